import { SimClock, SimRandom } from '@holdfast/sim';
import { HoldfastError, type WriteReceipt, type WriteRequest } from '@holdfast/types';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { CallTime } from '../../src/call-time.ts';
import type { LeaseKey } from '../../src/leases/lease-book.ts';
import { LeaseKeeper } from '../../src/leases/lease-keeper.ts';
import type { Requests } from '../../src/requests.ts';
import { FakeState } from '../support/fake-state.ts';

const numRuns = process.env.HOLDFAST_LONG === '1' ? 20_000 : 400;
const ANCHOR = Buffer.from('anchor');

/** What becomes of a request: `later`: it is carried out behind the next one, though nobody hears of that. */
type Fate = 'answered' | 'answer lost' | 'lost' | 'later' | 'refused';

/** A cluster that carries out transactions, and loses what it is told to lose. */
class LossyCluster {
  readonly state = new FakeState();
  readonly #session = this.state.openSession(1);
  readonly #fates: Fate[] = [];
  #late: WriteRequest[] = [];
  #sequence = 0;

  next(fates: readonly Fate[]): void {
    this.#fates.splice(0, this.#fates.length, ...fates);
  }

  write(request: Pick<WriteRequest, 'operations'> & Partial<WriteRequest>): WriteReceipt {
    this.#sequence += 1;
    const numbered = { conditions: [], ack: 'quorum', ...request, sequence: this.#sequence } as never;
    return this.state.write(this.#session, 0, numbered, 1) as WriteReceipt;
  }

  async transaction(request: WriteRequest): Promise<WriteReceipt> {
    const fate = this.#fates.shift() ?? 'answered';
    if (fate === 'refused') throw new HoldfastError('HOLDFAST_OVERLOADED', 'not now');
    const late = this.#late.splice(0);
    const receipt = fate === 'lost' || fate === 'later' ? undefined : this.write(request);
    for (const one of late) this.write(one);
    if (fate === 'later') this.#late.push(request);
    if (fate !== 'answered' || receipt === undefined)
      throw new HoldfastError('HOLDFAST_OUTCOME_UNKNOWN', fate);
    return receipt;
  }
}

const fate = fc.constantFrom<Fate>('answered', 'answered', 'answer lost', 'lost', 'later', 'refused');
const name = fc.constantFrom('a', 'b', 'c', 'd', 'e');
const step = fc.record({
  fates: fc.array(fate, { maxLength: 4 }),
  kind: fc.constantFrom('put', 'del', 'persist', 'renew', 'stranger writes', 'stranger deletes'),
  name,
});

/** A key is the lease's as long as the last write of it was the lease's: by the log of all that was carried out. */
test('a lease knows exactly which keys are its own, whatever of its requests and answers is lost', async () => {
  const seams = { clock: new SimClock(), random: new SimRandom(1), transport: undefined as never };
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 25 }), async (steps) => {
      const cluster = new LossyCluster();
      const detached: string[] = [];
      const keeper = new LeaseKeeper({
        anchor: ANCHOR,
        encoded: (attempt) => Buffer.from(String(attempt)),
        attemptOf: (value) => Number(Buffer.from(value).toString()),
        ttlMs: 1000,
        requests: cluster as unknown as Requests,
        onDetached: ({ own }) => detached.push(own as string),
      });
      const time = new CallTime(seams, 1_000_000, undefined);
      const values = new Map<string, string>();
      let count = 0;
      expect(await keeper.touch(time)).toBe(true);
      for (const { fates, kind, name: key } of steps) {
        const stored = Buffer.from(key);
        count += 1;
        cluster.next(fates);
        const value = Buffer.from(`${kind} ${count}`);
        if (kind === 'stranger writes') cluster.write({ operations: [{ kind: 'put', key: stored, value }] });
        else if (kind === 'stranger deletes') cluster.write({ operations: [{ kind: 'del', key: stored }] });
        else {
          const leaseKey: LeaseKey = { stored, own: key, bytes: key.length + value.length };
          const call =
            kind === 'put'
              ? keeper.put(time, leaseKey, value)
              : kind === 'renew'
                ? keeper.renew(time)
                : keeper.leave(time, stored, kind as 'del' | 'persist');
          const ending = await call.catch((error: unknown) => {
            expect(error).toBeInstanceOf(HoldfastError);
            return 'failed';
          });
          expect(ending, 'nobody takes the lease away').not.toBe(kind === 'put' ? false : 'gone');
          if (ending === true && kind === 'put') values.set(key, value.toString());
        }
      }
      cluster.next([]);
      expect(await keeper.renew(time)).toBe(true);
      // What was carried out, in its order: the last write of a key decides whose it is.
      for (const key of ['a', 'b', 'c', 'd', 'e']) {
        const found = cluster.state.get(Buffer.from(key));
        const text = found && Buffer.from(found.value).toString();
        const isOwn = text?.startsWith('put') === true && found?.ttlMs !== undefined;
        const entry = keeper.book.entry(Buffer.from(key));
        expect(entry?.revision, `${key} holds ${text}`).toBe(isOwn ? found?.revision : undefined);
        if (isOwn && values.has(key))
          expect(Number(text?.slice(4))).toBeGreaterThanOrEqual(Number(values.get(key)?.slice(4)));
      }
      const bytes = keeper.book.entries.reduce((sum, { key }) => sum + key.bytes, 0);
      expect(keeper.book.bytes).toBe(bytes);
      expect(await keeper.end(time)).toBe(true);
      for (const key of ['a', 'b', 'c', 'd', 'e']) {
        const found = cluster.state.get(Buffer.from(key));
        expect(found === undefined || found.ttlMs === undefined, `${key} is nobody's`).toBe(true);
      }
      expect(cluster.state.get(ANCHOR)).toBeUndefined();
    }),
    { numRuns },
  );
});
