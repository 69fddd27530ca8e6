import type { Entry, LogIndex, NodeId } from '@holdfast/types';
import type { Context } from '../kernel/context.ts';

/** Answers peers that repair a damaged log: any entry held here, read back from disk if need be. */
export class PullDesk {
  readonly #context: Context;
  /** Who waits for which load. */
  readonly #loads: Map<number, { readonly from: NodeId; readonly index: LogIndex }> = new Map();

  constructor(context: Context) {
    this.#context = context;
  }

  onPull(from: NodeId, index: LogIndex): void {
    const { log } = this.#context;
    const cached = log.cached(index);
    if (cached !== undefined || index < log.first || index > log.last.index) {
      this.#answer(from, index, cached);
      return;
    }
    const id = this.#context.newLoadId();
    this.#loads.set(id, { from, index });
    this.#context.emit({ kind: 'load', id, from: index, to: index, bytesMax: 1 });
  }

  /** False when the load was for somebody else. */
  onLoaded(id: number, entries: readonly Entry[]): boolean {
    const pull = this.#loads.get(id);
    if (pull === undefined) return false;
    this.#loads.delete(id);
    this.#answer(pull.from, pull.index, entries[0]);
    return true;
  }

  #answer(from: NodeId, index: LogIndex, entry: Entry | undefined): void {
    this.#context.send(
      from,
      entry?.index === index ? { kind: 'pulled', index, entry } : { kind: 'pulled', index },
    );
  }
}
