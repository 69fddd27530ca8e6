import type { Revision, Term } from '@holdfast/types';
import type { WatchState } from './watch-state.ts';
import type { StreamItem, WatchStream } from './watch-stream.ts';

/** What a watch brings, keys as they are stored and values as bytes. */
export type SourceItem =
  | { readonly kind: 'state'; readonly key: Uint8Array; readonly value: Uint8Array }
  | {
      readonly kind: 'put' | 'del';
      readonly key: Uint8Array;
      /** Of a put. */
      readonly value: Uint8Array | undefined;
      /** null: nothing; undefined: not asked for. */
      readonly previous: Uint8Array | null | undefined;
      readonly revision: Revision;
      readonly term: Term;
      readonly endsWrite: boolean;
    }
  /** `endsState`: all that the range held was told, and what has happened to it since. */
  | { readonly kind: 'mark'; readonly revision: Revision; readonly endsState: boolean };

/** The state of a range if it is wanted, then what happens to it: told once, whether by the state or as a mutation. */
export class WatchSource {
  readonly #stream: WatchStream;
  readonly #state: WatchState | undefined;
  #page: readonly [Uint8Array, Uint8Array][] = [];
  #place = 0;
  #phase: 'reading' | 'catchingUp' | 'following';
  /** Taken from the stream, and to be looked at again. */
  #held: StreamItem | undefined;
  #isClosed = false;

  /** `state` reads from where the stream begins, or later. */
  constructor(stream: WatchStream, state: WatchState | undefined) {
    this.#stream = stream;
    this.#state = state;
    this.#phase = state === undefined ? 'following' : 'reading';
  }

  /** Where it begins, once that is known; undefined if it begins with a state, or was closed. */
  async begin(): Promise<Revision | undefined> {
    await this.#stream.start();
    return this.#isClosed || this.#state !== undefined ? undefined : this.#stream.taken;
  }

  /** Undefined: it was closed. Calls must not overlap. */
  async next(): Promise<SourceItem | undefined> {
    const state = this.#state;
    if (state !== undefined && this.#phase === 'reading') {
      const entry = await this.#entryOf(state);
      if (entry !== undefined || this.#isClosed) return entry;
      this.#phase = 'catchingUp';
    }
    for (;;) {
      const whole = state?.revision ?? NOTHING;
      const isCatchingUp = this.#phase === 'catchingUp';
      if (isCatchingUp && (state!.isOfOneMoment || this.#stream.taken >= whole)) return this.#endState(whole);
      const item = this.#held ?? (await this.#stream.next());
      this.#held = undefined;
      if (item === undefined) return undefined;
      const revision = item.kind === 'mark' ? item.revision : item.event.revision;
      if (isCatchingUp && revision > whole) {
        this.#held = item;
        return this.#endState(whole);
      }
      // What the state holds was told, and how far the stream had come before it, too.
      if (item.kind === 'mark') {
        if (revision > whole) return { kind: 'mark', revision, endsState: false };
      } else if (revision > whole || state?.holds(item.event.key, revision) !== true) return told(item);
    }
  }

  close(): void {
    this.#isClosed = true;
    this.#stream.close();
    this.#state?.close();
  }

  /** Undefined: there is no more of it. */
  async #entryOf(state: WatchState): Promise<SourceItem | undefined> {
    await this.#stream.start();
    if (this.#place === this.#page.length) {
      const page = this.#isClosed ? undefined : await state.next();
      if (page === undefined) return undefined;
      this.#page = page;
      this.#place = 0;
    }
    const [key, value] = this.#page[this.#place]!;
    this.#place += 1;
    return { kind: 'state', key, value };
  }

  #endState(revision: Revision): SourceItem {
    this.#phase = 'following';
    this.#stream.skipTo(revision);
    return { kind: 'mark', revision, endsState: true };
  }
}

const NOTHING = 0 as Revision;

function told({ event, term }: Extract<StreamItem, { kind: 'event' }>): SourceItem {
  const { kind, key, revision, endsWrite, previous } = event;
  return {
    kind,
    key,
    value: event.kind === 'put' ? event.value : undefined,
    previous,
    revision,
    term,
    endsWrite,
  };
}
