import { AS_LONG_AS_IT_TAKES } from '../deferral.ts';
import type { Home } from '../home.ts';
import { checkedNames, checkedSignal } from '../options.ts';
import { decodedRecord, type HolderRecord } from './holder-record.ts';
import { LeaderWatch } from './leader-watch.ts';
import type { Lock } from './lock.ts';
import type { LockDesk } from './lock-desk.ts';
import {
  checkedLockOptions,
  type HoldfastCampaignOptions,
  type HoldfastElectOptions,
} from './lock-options.ts';

/** Who is elected. */
export interface Leader<V> {
  readonly value: V;
  /** Of this one term of office: no two have the same. */
  readonly id: string;
  /** The `name` of its client, and where that runs. */
  readonly client: string;
  readonly host?: string | undefined;
  readonly pid?: number | undefined;
  /** By its wall clock, milliseconds since 1970: for people. */
  readonly since: number;
}

/** One of many does what only one should; who it is can be watched by all. */
export class Election<V> {
  readonly name: string;
  readonly #desk: LockDesk;
  readonly #home: Home;
  readonly #options: HoldfastElectOptions<V>;

  constructor(desk: LockDesk, home: Home, options: HoldfastElectOptions<V> & { readonly name: string }) {
    this.name = options.name;
    this.#desk = desk;
    this.#home = home;
    this.#options = options;
  }

  /**
   * Resolves once it is elected, with its office: a lock whose release resigns. Candidates are elected in the order in
   * which they came. Without `timeoutMs` and `signal` it waits for as long as it takes.
   * @throws as a lock that is waited for: HOLDFAST_DEADLINE_EXCEEDED after `timeoutMs` milliseconds, and HOLDFAST_ABORTED as soon
   * as `signal` is aborted.
   */
  async campaign(options: HoldfastCampaignOptions = {}): Promise<Lock> {
    checkedLockOptions(options, []);
    const campaign = (left: HoldfastCampaignOptions): Promise<Lock> => this.#acquisition(left).wait();
    return (
      this.#desk.deferral.heldOrOpen(campaign, options, undefined, AS_LONG_AS_IT_TAKES) ?? campaign(options)
    );
  }

  /** Who is elected now; undefined: nobody. A linearizable read. @throws HOLDFAST_DEADLINE_EXCEEDED, HOLDFAST_NO_PRIMARY, and what any call may. */
  async current(options: HoldfastCampaignOptions = {}): Promise<Leader<V> | undefined> {
    checkedLockOptions(options, []);
    const read = async (left: HoldfastCampaignOptions): Promise<Leader<V> | undefined> => {
      const { held } = this.#desk.keys(this.name, 'election');
      const bytes = await this.#desk.stored.get(held, {
        ...left,
        consistency: 'linearizable',
      });
      return bytes === undefined ? undefined : leaderOf(decodedRecord(bytes));
    };
    return this.#desk.deferral.heldOrOpen(read, options) ?? read(options);
  }

  /**
   * Who is elected when it is first asked, and then each change: undefined while it is nobody. Until it is closed, by
   * leaving the loop, its `signal`, or with the database. @throws HOLDFAST_INVALID_ARGUMENT, LEVEL_DATABASE_NOT_OPEN
   */
  leader(options: { readonly signal?: AbortSignal | undefined } = {}): LeaderWatch<V> {
    checkedNames('options', options, ['signal']);
    checkedSignal(options.signal);
    const open = async () => {
      const { held } = this.#desk.keys(this.name, 'election');
      return this.#desk.stored.watch(
        {
          bounds: { gte: held, lte: held },
          from: undefined,
          initial: true,
          previousValues: false,
          options: {},
        },
        this.#desk.seams,
      );
    };
    return new LeaderWatch({
      home: this.#home,
      source: this.#desk.deferral.heldOrOpen(open, options, undefined, AS_LONG_AS_IT_TAKES) ?? open(),
      signal: options.signal,
      leaderOf: (value) => leaderOf(decodedRecord(value)),
    });
  }

  #acquisition(options: HoldfastCampaignOptions) {
    const { value, ttlMs } = this.#options;
    const { timeoutMs, signal } = options;
    return this.#desk.acquisition(this.name, { kind: 'election', ttlMs, value, timeoutMs, signal });
  }
}

function leaderOf<V>(record: HolderRecord | undefined): Leader<V> | undefined {
  return record as Leader<V> | undefined;
}
