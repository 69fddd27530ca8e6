import type { Revision } from '@holdfast/types';

export type ClaimStep =
  /** Who is the last of those that wait before this one? */
  | { readonly kind: 'look' }
  /** Take it if nobody holds it, and leave the queue with that. */
  | { readonly kind: 'take' }
  /** Join the queue at this place. */
  | { readonly kind: 'queue'; readonly place: Revision }
  /** Wait until this one has left the queue; undefined: until nobody holds it. */
  | { readonly kind: 'await'; readonly before: Uint8Array | undefined }
  /** It was taken a while ago: make sure that it still is. */
  | { readonly kind: 'confirm' };

/**
 * How one comes to hold a lock: a queue by keys, as etcd's concurrency package has it. Each waits for the one before it,
 * so that a release wakes one, and those who came one after the other get it in that order. The queue is a courtesy alone:
 * who holds the lock is decided by one key, which is taken only while it is absent.
 */
export class Claim {
  #step: ClaimStep = { kind: 'look' };
  #isQueued = false;

  get step(): ClaimStep {
    return this.#step;
  }

  /** Has asked for a place in the queue. */
  get isQueued(): boolean {
    return this.#isQueued;
  }

  /** `last`: its key; undefined: nobody waits before this one. `revision`: of the state that was looked at. */
  onSeen(last: Uint8Array | undefined, revision: Revision): void {
    if (last !== undefined && !this.#isQueued) this.#step = { kind: 'queue', place: revision };
    else if (last === undefined && !this.#isQueued) this.#step = { kind: 'take' };
    else this.#step = { kind: 'await', before: last };
  }

  /** Another holds it, as of that revision. */
  onRefused(revision: Revision): void {
    this.#step = this.#isQueued ? { kind: 'await', before: undefined } : { kind: 'queue', place: revision };
  }

  onTaken(): void {
    this.#step = { kind: 'confirm' };
  }

  /** It had expired before it was confirmed. */
  onExpired(): void {
    this.#step = { kind: 'look' };
  }

  /** Whether the place was taken or is not known: it is asked for again under the same key. */
  onQueueing(): void {
    this.#isQueued = true;
  }

  onQueued(): void {
    this.#step = { kind: 'look' };
  }

  /** What was waited for is gone. */
  onGone(): void {
    const step = this.#step;
    this.#step = step.kind === 'await' && step.before === undefined ? { kind: 'take' } : { kind: 'look' };
  }

  /** It is not known whether what was waited for is still there. */
  onUnsure(): void {
    this.#step = { kind: 'look' };
  }
}
