import { HoldfastError } from '@holdfast/types';
import { CallTime } from '../call-time.ts';
import type { Home } from '../home.ts';
import { Hold } from '../locks/hold.ts';
import { decodedRecord, encodedRecord, type HolderRecord } from '../locks/holder-record.ts';
import { KeptAlive } from '../locks/kept-alive.ts';
import type { LockAccess } from '../locks/lock-desk.ts';
import { leaseKey } from '../locks/lock-keys.ts';
import { lockTtl } from '../locks/lock-options.ts';
import { Lease } from './lease.ts';
import type { LeaseKey } from './lease-book.ts';
import { LeaseKeeper } from './lease-keeper.ts';
import { checkedLeaseOptions, type HoldfastLeaseOptions } from './lease-options.ts';

const ID_BYTES = 12;
const WHAT = 'the lease';

/** Leases of a database or one of its sublevels. */
export class LeaseDesk<KDefault, VDefault> {
  readonly #home: Home;
  readonly #access: LockAccess;

  constructor(home: Home, access: LockAccess) {
    this.#home = home;
    this.#access = access;
  }

  async lease(options: HoldfastLeaseOptions): Promise<Lease<KDefault, VDefault>> {
    checkedLeaseOptions(options);
    const ttlMs = lockTtl(options.ttlMs);
    const { seams } = this.#access;
    const requests = this.#access.requests();
    const time = new CallTime(seams, requests.timeoutMs({ timeoutMs: options.timeoutMs }), options.signal);
    const keeper = this.#keeper(ttlMs, options.onDetached);
    let sentAt: number;
    do {
      sentAt = seams.clock.now();
      // Made by the first; where that took so long that little is left of its time it is renewed.
      const isThere = await keeper.touch(time);
      if (!isThere)
        throw new HoldfastError('HOLDFAST_LEASE_LOST', `${WHAT} had expired before its holder was told`);
    } while (!new Hold(ttlMs, sentAt).isFresh(seams.clock.now()));
    const hold = new KeptAlive({
      what: WHAT,
      lostCode: 'HOLDFAST_LEASE_LOST',
      seams,
      ttlMs,
      sentAt,
      renew: ({ timeoutMs, signal }) => {
        const left = new CallTime(seams, timeoutMs, signal);
        return keeper.inTurn(left, { isUrgent: true }, () => keeper.renew(left));
      },
    });
    return new Lease({ home: this.#home, requests, seams, keeper, hold });
  }

  #keeper(ttlMs: number, onDetached: HoldfastLeaseOptions['onDetached']): LeaseKeeper {
    const { seams, holder } = this.#access;
    const requests = this.#access.requests();
    const id = Buffer.from(seams.random.bytes(ID_BYTES)).toString('hex');
    const record = { id, ...holder, since: seams.clock.wallTime() };
    return new LeaseKeeper({
      anchor: leaseKey(requests.storedKey(this.#home.prefixedKey(id, 'utf8'))),
      encoded: (attempt) => encodedRecord({ ...record, value: attempt }),
      attemptOf: (value) => attemptOf(decodedRecord(value), id),
      ttlMs,
      requests: requests.ofStoredKeys,
      onDetached: (key) => announce(onDetached, key),
    });
  }
}

function attemptOf(record: HolderRecord | undefined, id: string): number | undefined {
  return record?.id === id && typeof record.value === 'number' ? record.value : undefined;
}

/** A listener that throws must not do so in the middle of a renewal. */
function announce(onDetached: HoldfastLeaseOptions['onDetached'], key: LeaseKey): void {
  if (onDetached !== undefined) queueMicrotask(() => onDetached(key.own));
}
