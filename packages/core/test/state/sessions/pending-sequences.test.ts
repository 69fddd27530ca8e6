import type { SessionId } from '@holdfast/types';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { PendingSequences } from '../../../src/state/sessions/pending-sequences.ts';
import { check } from '../../support/property.ts';

test('is a map by session and sequence that counts', () => {
  const action = fc.record({
    kind: fc.constantFrom('set', 'set', 'delete', 'clear'),
    session: fc.constantFrom('1.1.0', '1.1.1').map((id) => id as SessionId),
    sequence: fc.nat(4),
    value: fc.nat(),
  });
  check(
    fc.property(fc.array(action), (actions) => {
      const pending = new PendingSequences<number>();
      const model = new Map<string, number>();
      for (const { kind, session, sequence, value } of actions) {
        const name = `${session}/${sequence}`;
        if (kind === 'set') {
          pending.set(session, sequence, value);
          model.set(name, value);
        } else if (kind === 'delete') {
          pending.delete(session, sequence);
          model.delete(name);
        } else {
          pending.clear();
          model.clear();
        }
        expect(pending.get(session, sequence)).toBe(model.get(name));
        expect(pending.countOf(session)).toBe(
          [...model.keys()].filter((one) => one.startsWith(`${session}/`)).length,
        );
      }
    }),
    200,
  );
});
