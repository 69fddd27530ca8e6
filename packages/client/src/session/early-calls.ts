import type { Ack } from '@holdfast/types';
import type { AnyCall } from './call.ts';

/**
 * Calls made before this client has met any node, as those of a lazy database may be. Nothing can be sent yet, and no
 * node has told what writes that name no level get: so they wait apart, in their order of issue.
 */
export class EarlyCalls {
  readonly #calls = new Set<AnyCall>();
  #isOver = false;

  get size(): number {
    return this.#calls.size;
  }

  /** False: a node was met, and the call can go its way. */
  keeps(call: AnyCall): boolean {
    if (this.#isOver) return false;
    this.#calls.add(call);
    return true;
  }

  /** It has ended. False: it was none of these. */
  forget(call: AnyCall): boolean {
    return this.#calls.size > 0 && this.#calls.delete(call);
  }

  /** The first node tells its default: hands out those that waited for that, and keeps no others. */
  end(defaultAck: Ack): readonly AnyCall[] {
    if (this.#isOver) return [];
    this.#isOver = true;
    const calls = [...this.#calls];
    this.#calls.clear();
    for (const call of calls) {
      if (call.onDefaultAck === undefined) continue;
      call.onDefaultAck(defaultAck);
      call.trace?.decided();
    }
    return calls;
  }
}
