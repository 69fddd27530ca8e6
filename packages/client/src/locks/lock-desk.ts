import type { Deferral } from '../deferral.ts';
import type { Home } from '../home.ts';
import type { Requests } from '../requests.ts';
import type { Seams } from '../seams.ts';
import { Acquisition } from './acquisition.ts';
import { Election } from './election.ts';
import { encodedRecord, type HolderRecord } from './holder-record.ts';
import type { Lock } from './lock.ts';
import { type HeldKind, type LockKeys, lockKeys } from './lock-keys.ts';
import {
  checkedElectOptions,
  checkedLockName,
  checkedLockOptions,
  type HoldfastElectOptions,
  type HoldfastLockOptions,
  lockTtl,
} from './lock-options.ts';

export interface LockAccess {
  /** Throws if the database is not open. */
  requests(): Requests;
  readonly seams: Seams;
  /** Who holds what is taken here, for people. */
  readonly holder: Pick<HolderRecord, 'client' | 'host' | 'pid'>;
}

/** What is asked for, beside its name. */
export interface Wanted {
  readonly kind: HeldKind;
  readonly ttlMs: number | undefined;
  readonly value?: unknown;
  readonly timeoutMs: number | undefined;
  readonly signal: AbortSignal | undefined;
}

const ID_BYTES = 12;

/** Locks and elections of a database or one of its sublevels: those of others have other names. */
export class LockDesk {
  readonly #home: Home;
  readonly deferral: Deferral;
  readonly #access: LockAccess;

  constructor(home: Home, deferral: Deferral, access: LockAccess) {
    this.#home = home;
    this.deferral = deferral;
    this.#access = access;
  }

  lock(name: string, options: HoldfastLockOptions): Promise<Lock> {
    checkedLockOptions(options);
    const { ttlMs, timeoutMs, signal } = options;
    return this.acquisition(name, { kind: 'lock', ttlMs, timeoutMs, signal }).wait();
  }

  tryLock(name: string, options: HoldfastLockOptions): Promise<Lock | undefined> {
    checkedLockOptions(options);
    const { ttlMs, timeoutMs, signal } = options;
    return this.acquisition(name, { kind: 'lock', ttlMs, timeoutMs, signal }).once();
  }

  elect<V>(name: string, options: Partial<HoldfastElectOptions<V>>): Election<V | null> {
    checkedLockName(name);
    checkedElectOptions(options);
    const { value = null, ttlMs } = options;
    return new Election<V | null>(this, this.#home, { name, value, ttlMs });
  }

  /** Begins nothing yet. */
  acquisition(name: string, { kind, ttlMs, value, timeoutMs, signal }: Wanted): Acquisition {
    const { seams, holder } = this.#access;
    const keys = this.keys(name, kind);
    const id = seams.random.bytes(ID_BYTES);
    const record = encodedRecord({
      id: Buffer.from(id).toString('hex'),
      ...holder,
      since: seams.clock.wallTime(),
      ...(value === undefined ? {} : { value }),
    });
    return new Acquisition({
      name,
      what: `${kind === 'lock' ? 'the lock' : 'the election'} ${JSON.stringify(name)}`,
      keys,
      id,
      record,
      ttlMs: lockTtl(ttlMs),
      home: this.#home,
      requests: this.stored,
      seams,
      timeoutMs,
      signal,
    });
  }

  keys(name: string, kind: HeldKind): LockKeys {
    const key = this.#home.prefixedKey(checkedLockName(name), 'utf8');
    return lockKeys(kind, this.#access.requests().storedKey(key));
  }

  /** In keys as they are stored. */
  get stored(): Requests {
    return this.#access.requests().ofStoredKeys;
  }

  get seams(): Seams {
    return this.#access.seams;
  }
}
