import type { ServerMessage, WireError } from '@holdfast/types';
import type { LinkId, WatchHome, WatchSink } from './call.ts';
import { fromWire } from './failures.ts';

/** Watches that nodes have opened for this client, by link and id. */
export class WatchTable {
  readonly #links = new Map<LinkId, Map<number, WatchSink>>();

  has(link: LinkId): boolean {
    return this.#links.has(link);
  }

  opened({ id, link }: WatchHome, sink: WatchSink): void {
    let watches = this.#links.get(link);
    if (watches === undefined) {
      watches = new Map();
      this.#links.set(link, watches);
    }
    watches.set(id, sink);
  }

  /** Who was told; undefined: there is no such watch. */
  onEvents(link: LinkId, message: Extract<ServerMessage, { kind: 'watchEvents' }>): WatchSink | undefined {
    const sink = this.#links.get(link)?.get(message.id);
    sink?.onEvents(message);
    return sink;
  }

  /** The node has ended it. */
  onEnded(link: LinkId, id: number, error: WireError, node: string | undefined): void {
    const sink = this.#links.get(link)?.get(id);
    this.close({ id, link });
    sink?.onLost(fromWire(error, { attempts: 0, node, outcome: error.outcome }));
  }

  /** Returns which were open. */
  linkDown(link: LinkId): readonly number[] {
    const watches = this.#links.get(link);
    this.#links.delete(link);
    if (watches === undefined) return [];
    for (const sink of watches.values()) sink.onLost(undefined);
    return [...watches.keys()];
  }

  /** False: it was not open any more. */
  close({ id, link }: WatchHome): boolean {
    const watches = this.#links.get(link);
    if (watches?.delete(id) !== true) return false;
    if (watches.size === 0) this.#links.delete(link);
    return true;
  }
}
