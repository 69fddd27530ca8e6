import type { Effect } from '@holdfast/core';
import type { Entry, HoldfastError, LogIndex, Revision, StoredRecord, WatchEvent } from '@holdfast/types';
import { MutationFeed, type OpenWatch } from '../../src/watches/mutation-feed.ts';
import type { WatchEventsMessage } from '../../src/watches/watcher.ts';
import { ManualClock } from '../events/manual-clock.ts';
import { ModelLog, rangeOf, type Told } from './model-log.ts';

export interface WatchOptions {
  readonly gte?: string;
  readonly lt?: string;
  readonly from?: number;
  readonly previousValues?: boolean;
  readonly credit?: number;
}

/** One watch, and all that it was told. */
export class WatchLog {
  readonly options: WatchOptions;
  readonly events: (WatchEvent & { readonly term: number })[] = [];
  readonly messages: Omit<WatchEventsMessage, 'kind' | 'id'>[] = [];
  /** Where it began, once it did. */
  start: number | undefined;
  error: HoldfastError | undefined;
  hasRoom = true;
  isClosed = false;
  handle!: OpenWatch;

  constructor(options: WatchOptions) {
    this.options = options;
  }

  get position(): number {
    return this.messages.at(-1)?.revision ?? this.start ?? 0;
  }
}

/** A feed over a model of a log, with everything in its hands that a driver has. */
export class FeedWorld {
  readonly log = new ModelLog();
  readonly clock = new ManualClock();
  readonly feed: MutationFeed;
  readonly watches: WatchLog[] = [];
  readonly failures: unknown[] = [];
  /** Log reads by the feed. */
  reads = 0;
  stalenessMs = 0;
  readonly #applied: { index: number; revision: number } = { index: 0, revision: 0 };
  #before: (key: string) => StoredRecord | undefined = () => undefined;

  constructor(options: { readonly recentBytesMax?: number } = {}) {
    const { log } = this;
    this.feed = new MutationFeed({
      log: {
        get first() {
          return log.first;
        },
        heldFrom: (to) => log.heldFrom(to),
        read: (range) => {
          this.reads += 1;
          return log.read(range);
        },
      },
      clock: this.clock,
      head: { index: 0 as LogIndex, revision: 0 as Revision },
      recentBytesMax: options.recentBytesMax ?? 2000,
      read: (keys) => keys.map((key) => this.#before(Buffer.from(key).toString())),
      stalenessMs: () => this.stalenessMs,
      onFailure: (error) => this.failures.push(error),
    });
  }

  get appliedRevision(): number {
    return this.#applied.revision;
  }

  /** The next entries, as one batch; `within` happens while they are on their way into the store. */
  apply(entries: readonly Entry[], within: () => void = () => {}): void {
    const last = entries.at(-1)!;
    const batch = {
      kind: 'apply',
      entries,
      sessions: [],
      closedSessions: [],
      history: [],
      applied: { index: last.index, term: last.term },
      revision: this.log.revision as Revision,
      logTime: 0,
    } satisfies Extract<Effect, { kind: 'apply' }>;
    this.#before = this.log.before(entries[0]!.index);
    this.feed.applying(batch);
    within();
    this.#applied.index = last.index;
    this.#applied.revision = this.log.revision;
    this.feed.applied(batch);
    this.feed.tell();
  }

  open(options: WatchOptions = {}): WatchLog {
    const watch = new WatchLog(options);
    const { from, previousValues = false, credit = 1_000_000 } = options;
    watch.handle = this.feed.open(
      {
        range: rangeOf(options),
        previousValues,
        credit,
        ...(from === undefined ? {} : { from: from as Revision }),
      },
      {
        get hasRoom() {
          return watch.hasRoom;
        },
        onOpened: (revision) => {
          watch.start = revision;
        },
        onEvents: (message) => {
          watch.messages.push(message);
          watch.events.push(...message.events.map((event) => ({ ...event, term: message.term })));
        },
        onEnded: (error) => {
          watch.error = error;
        },
      },
    );
    this.watches.push(watch);
    return watch;
  }

  /** Until nothing is being read any more. */
  async settle(): Promise<void> {
    do await new Promise((resolve) => setImmediate(resolve));
    while (this.log.flush());
  }

  /** What it has been told, against what it ought to have been: everything up to its position, and nothing else. */
  expectedOf({ options, start, position }: WatchLog): Told[] {
    return this.log.expected(options, start ?? 0, position);
  }
}

/** In the terms of the model. */
export function toldOf(watch: WatchLog): Omit<Told, 'before' | 'write'>[] {
  return watch.events.map((event) => ({
    key: Buffer.from(event.key).toString(),
    value: event.kind === 'put' ? Buffer.from(event.value).toString() : undefined,
    revision: event.revision,
    term: event.term,
  }));
}
