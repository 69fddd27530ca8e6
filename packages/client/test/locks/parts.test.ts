import { getEventListeners } from 'node:events';
import { SimClock, SimRandom } from '@holdfast/sim';
import type { Revision } from '@holdfast/types';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Home } from '../../src/home.ts';
import { Claim } from '../../src/locks/claim.ts';
import { Hold } from '../../src/locks/hold.ts';
import { decodedRecord } from '../../src/locks/holder-record.ts';
import { lockKeys, waitingKey } from '../../src/locks/lock-keys.ts';
import { LongWait } from '../../src/locks/long-wait.ts';
import type { Seams } from '../../src/seams.ts';

const numRuns = process.env.HOLDFAST_LONG === '1' ? 20_000 : 500;

describe('a hold', () => {
  interface Renewal {
    /** What passes before it is sent, until it is carried out, and until its answer is here. */
    readonly before: number;
    readonly out: number;
    readonly back: number;
    readonly fails: boolean;
    /** A failed one was carried out all the same. */
    readonly isDone: boolean;
  }
  const passing = fc.oneof(
    fc.double({ min: 0, max: 40, noNaN: true }),
    fc.double({ min: 0, max: 400, noNaN: true }),
  );
  const renewals: fc.Arbitrary<Renewal[]> = fc.array(
    fc.record({ before: passing, out: passing, back: passing, fails: fc.boolean(), isDone: fc.boolean() }),
  );

  /** The one who carries it out counts by another clock, whose speed is another. */
  test('ends before what is held does, whatever requests take and clocks go like', () => {
    fc.assert(
      fc.property(
        renewals,
        passing,
        fc.double({ min: 0.95, max: 1.05, noNaN: true }),
        (plan, first, rate) => {
          const ttlMs = 300;
          let now = first;
          /** When it expires, by the holder's clock. */
          let expiresAt = ttlMs / rate;
          const hold = new Hold(ttlMs, 0);
          for (const { before, out, back, fails, isDone } of plan) {
            now += before;
            if (!hold.isValid(now)) break;
            expect(now).toBeLessThan(expiresAt);
            const sentAt = now;
            const doneAt = now + out;
            now = doneAt + back;
            const isGranted = doneAt < expiresAt && (!fails || isDone);
            if (isGranted) expiresAt = doneAt + ttlMs / rate;
            if (fails || !isGranted) hold.onFailed(now);
            else hold.onRenewed(sentAt, now);
          }
          if (hold.isValid(now)) expect(now).toBeLessThan(expiresAt);
          expect(hold.validUntil).toBeLessThan(expiresAt);
        },
      ),
      { numRuns },
    );
  });

  test('that has ended does not begin again', () => {
    const hold = new Hold(1000, 0);
    expect(hold.isValid(899)).toBe(true);
    expect(hold.isValid(900)).toBe(false);
    hold.onRenewed(899, 901);
    expect(hold.isValid(901)).toBe(false);
    expect(hold.next(901)).toEqual({ kind: 'lost' });
  });

  test('is renewed three times in its time, and more often where that fails', () => {
    const hold = new Hold(900, 0);
    expect(hold.next(0)).toEqual({ kind: 'wait', ms: 300 });
    expect(hold.next(300)).toEqual({ kind: 'renew', ms: 510 });
    hold.onFailed(350);
    expect(hold.next(350)).toEqual({ kind: 'wait', ms: 90 });
    hold.onRenewed(440, 450);
    expect(hold.next(450)).toEqual({ kind: 'wait', ms: 290 });
    expect([hold.isFresh(840), hold.isFresh(846)]).toEqual([true, false]);
  });
});

describe('a claim', () => {
  const revision = (number: number): Revision => number as Revision;
  const before = Uint8Array.of(1);

  test('takes what nobody holds or waits for', () => {
    const claim = new Claim();
    expect(claim.step).toEqual({ kind: 'look' });
    claim.onSeen(undefined, revision(5));
    expect(claim.step).toEqual({ kind: 'take' });
    claim.onTaken();
    expect(claim.step).toEqual({ kind: 'confirm' });
    claim.onExpired();
    expect(claim.step).toEqual({ kind: 'look' });
  });

  test('queues behind others, and behind who holds it, at the revision it saw', () => {
    const behindOthers = new Claim();
    behindOthers.onSeen(before, revision(5));
    expect(behindOthers.step).toEqual({ kind: 'queue', place: 5 });
    const behindHolder = new Claim();
    behindHolder.onSeen(undefined, revision(5));
    behindHolder.onRefused(revision(7));
    expect(behindHolder.step).toEqual({ kind: 'queue', place: 7 });
  });

  test('awaits the one before it, then the holder, then takes', () => {
    const claim = new Claim();
    claim.onSeen(before, revision(5));
    claim.onQueueing();
    claim.onQueued();
    expect(claim.step).toEqual({ kind: 'look' });
    claim.onSeen(before, revision(6));
    expect(claim.step).toEqual({ kind: 'await', before });
    claim.onGone();
    expect(claim.step).toEqual({ kind: 'look' });
    claim.onSeen(undefined, revision(8));
    expect(claim.step).toEqual({ kind: 'await', before: undefined });
    claim.onUnsure();
    claim.onSeen(undefined, revision(9));
    claim.onGone();
    expect(claim.step).toEqual({ kind: 'take' });
    claim.onRefused(revision(10));
    expect(claim.step).toEqual({ kind: 'await', before: undefined });
  });
});

describe('keys', () => {
  const bytes = fc.uint8Array({ minLength: 1, maxLength: 20 });

  test('of one queue are all that begin with its prefix, in the order of places', () => {
    const id = fc.uint8Array({ minLength: 12, maxLength: 12 });
    const place = fc.maxSafeNat();
    fc.assert(
      fc.property(bytes, bytes, place, place, id, id, (name, other, first, second, one, two) => {
        const { waiting, held } = lockKeys('lock', name);
        const [low, high] = [first, second].sort((a, b) => a - b) as [Revision, Revision];
        const keys = [waitingKey(waiting, low, one), waitingKey(waiting, high, two)] as const;
        if (low < high) expect(Buffer.compare(...keys)).toBeLessThan(0);
        for (const key of keys) {
          expect(key.subarray(0, waiting.length)).toEqual(waiting);
          expect(Buffer.compare(key, Buffer.concat([waiting, Buffer.of(0xff)]))).toBeLessThan(0);
        }
        if (Buffer.compare(name, other) === 0) return;
        const theirs = lockKeys('lock', other);
        expect(theirs.held).not.toEqual(held);
        expect(waitingKey(theirs.waiting, low, one).subarray(0, waiting.length)).not.toEqual(waiting);
      }),
      { numRuns },
    );
  });

  test('that hold something else have no holder', () => {
    for (const text of ['', '7', 'null', '[]', '{"id":1}', '{"id":"1","client":"c"}'])
      expect(decodedRecord(Buffer.from(text))).toBeUndefined();
    const record = { id: '1', client: 'c', since: 5 };
    expect(decodedRecord(Buffer.from(JSON.stringify(record)))).toEqual(record);
  });
});

test('a long wait keeps nothing of each part of it', async () => {
  const clock = new SimClock();
  const wait = new LongWait({
    seams: { clock, random: new SimRandom(1) } as unknown as Seams,
    home: { attach: () => {}, detach: () => {} } as unknown as Home,
    timeoutMs: undefined,
    signal: undefined,
    callMs: 100,
  });
  const sooner = new AbortController();
  const left = (): number =>
    [wait.signal, sooner.signal].reduce((sum, signal) => sum + getEventListeners(signal, 'abort').length, 0);
  for (let part = 0; part < 3; part += 1) await clock.drive(wait.wait(10, sooner.signal), { limitMs: 20 });
  expect([left(), clock.now()]).toEqual([0, 30]);
  const last = wait.wait(10, sooner.signal);
  sooner.abort();
  await last;
  await wait.wait(10, sooner.signal);
  expect([left(), clock.now()]).toEqual([0, 30]);
  wait.settle();
});
