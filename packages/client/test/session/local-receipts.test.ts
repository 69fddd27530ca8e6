import type { LogIndex, Revision, Term, WriteReceipt } from '@holdfast/types';
import { expect, test } from 'vitest';
import { LocalReceipts } from '../../src/session/local-receipts.ts';

const receiptAt = (revision: number): WriteReceipt => ({
  result: { kind: 'written', revision: revision as Revision },
  term: 1 as Term,
  index: 1 as LogIndex,
  ack: 'local',
  copies: 1,
  repeated: false,
});

test('at least ten thousand receipts are kept, and never more than twice as many', () => {
  const receipts = new LocalReceipts();
  for (let revision = 1; revision <= 25_000; revision += 1)
    receipts.keep({ owner: undefined, receipt: receiptAt(revision) });
  const lost = receipts
    .takeLost({ lost: 25_000 as Revision, surviving: 0 as Revision })
    .map(({ receipt }) => receipt.result.revision);
  expect(lost.length).toBeGreaterThanOrEqual(10_000);
  expect(lost.length).toBeLessThan(20_000);
  expect(lost).toEqual(Array.from(lost, (_, place) => 25_000 - lost.length + 1 + place));
});
