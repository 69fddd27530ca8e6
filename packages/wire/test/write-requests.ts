import type { Condition, Operation, RangeClearing, WriteRequest } from '@holdfast/types';
import fc, { type Arbitrary } from 'fast-check';
import {
  ack,
  bytes,
  count,
  duration,
  integer,
  kindOf,
  maybe,
  type OfKind,
  positive,
  record,
  revision,
  small,
} from './primitives.ts';

const condition: Arbitrary<Condition> = fc.oneof(
  record<OfKind<Condition, 'revision'>>({ kind: kindOf('revision'), key: small, revision }),
  record<OfKind<Condition, 'absent'>>({ kind: kindOf('absent'), key: small }),
  record<OfKind<Condition, 'atMost'>>({ kind: kindOf('atMost'), key: small, revision }),
  record<OfKind<Condition, 'present'>>({ kind: kindOf('present'), key: small }),
  record<OfKind<Condition, 'value'>>({ kind: kindOf('value'), key: small, value: bytes }),
);

const operation: Arbitrary<Operation> = fc.oneof(
  record<OfKind<Operation, 'put'>>({ kind: kindOf('put'), key: small, value: bytes, ttlMs: maybe(positive) }),
  record<OfKind<Operation, 'expire'>>({ kind: kindOf('expire'), key: small, ttlMs: maybe(positive) }),
  record<OfKind<Operation, 'del'>>({ kind: kindOf('del'), key: small }),
  record<OfKind<Operation, 'increment'>>({ kind: kindOf('increment'), key: small, by: integer }),
  record<OfKind<Operation, 'get'>>({ kind: kindOf('get'), key: small }),
);

const clear: Arbitrary<RangeClearing> = record<RangeClearing>({
  gt: maybe(small),
  gte: maybe(small),
  lt: maybe(small),
  lte: maybe(small),
  reverse: fc.boolean(),
  limit: fc.oneof(fc.constant(-1), positive),
  upTo: revision,
});

export const writeRequest: Arbitrary<WriteRequest> = fc.oneof(
  record({
    id: count,
    sequence: positive,
    ack,
    remainingMs: duration,
    conditions: fc.array(condition, { maxLength: 3 }),
    operations: fc.array(operation, { maxLength: 4 }),
    otherwise: maybe(fc.array(operation, { maxLength: 4 })),
  }),
  record({
    id: count,
    sequence: positive,
    ack,
    remainingMs: duration,
    conditions: fc.constant([]),
    operations: fc.constant([]),
    clear,
  }),
);
