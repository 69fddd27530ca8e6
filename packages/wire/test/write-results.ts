import type { StepResult, WriteResult } from '@holdfast/types';
import fc, { type Arbitrary } from 'fast-check';
import { count, integer, kindOf, maybe, type OfKind, record, revision, small } from './primitives.ts';

export const writeResult: Arbitrary<WriteResult> = fc.oneof(
  record<OfKind<WriteResult, 'written'>>({ kind: kindOf('written'), revision }),
  record<OfKind<WriteResult, 'counter'>>({ kind: kindOf('counter'), value: integer, revision }),
  record<OfKind<WriteResult, 'conflict'>>({ kind: kindOf('conflict'), condition: count, revision }),
  record<OfKind<WriteResult, 'notAnInteger'>>({ kind: kindOf('notAnInteger'), revision }),
  record<OfKind<WriteResult, 'resultTooLarge'>>({ kind: kindOf('resultTooLarge'), revision }),
  record<OfKind<WriteResult, 'cleared'>>({
    kind: kindOf('cleared'),
    deleted: count,
    behind: maybe(small),
    revision,
  }),
  record<OfKind<WriteResult, 'transaction'>>({
    kind: kindOf('transaction'),
    branch: fc.constantFrom('then', 'else'),
    steps: fc.array(
      fc.oneof(
        record<OfKind<StepResult, 'changed'>>({ kind: kindOf('changed'), revision }),
        record<OfKind<StepResult, 'counter'>>({ kind: kindOf('counter'), value: integer, revision }),
        record<OfKind<StepResult, 'found'>>({ kind: kindOf('found'), value: small, revision }),
        record<OfKind<StepResult, 'missing'>>({ kind: kindOf('missing') }),
      ),
      { maxLength: 5 },
    ),
    revision,
  }),
);
