import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { Packr } from 'msgpackr';
import { WebSocket } from 'ws';

const NODE = join(import.meta.dirname, 'bare-node.ts');

/**
 * What the libraries and this machine allow: a primary that logs batches with an fsync, sends them to two standbys that do
 * the same, answers when one of them has, and applies to LevelDB. No elections, terms, sessions, repeats, conditions,
 * recovery, limits, validation: whatever is more than that is the price of Holdfast's promises.
 */
export class BareCluster {
  readonly #directory: string;
  readonly #children: ChildProcess[] = [];
  readonly #waiting = new Map<number, () => void>();
  readonly #packr = new Packr({ useRecords: false });
  #socket: WebSocket | undefined;
  #lastId = 0;
  #turn: [number, Uint8Array, Uint8Array][] = [];

  /** `directory` is emptied by `close`. */
  constructor(directory: string) {
    this.#directory = directory;
  }

  async start(): Promise<void> {
    const standbys = await Promise.all([this.#fork('n2', []), this.#fork('n3', [])]);
    const port = await this.#fork('n1', standbys);
    this.#socket = new WebSocket(`ws://127.0.0.1:${port}`, { perMessageDeflate: false });
    this.#socket.on('message', (message: Buffer) => {
      for (const id of this.#packr.unpack(message) as number[]) {
        this.#waiting.get(id)?.();
        this.#waiting.delete(id);
      }
    });
    await once(this.#socket, 'open');
  }

  put(key: Uint8Array, value: Uint8Array): Promise<void> {
    return new Promise((resolve) => {
      this.#lastId += 1;
      this.#waiting.set(this.#lastId, resolve);
      this.#turn.push([this.#lastId, key, value]);
      if (this.#turn.length > 1) return;
      queueMicrotask(() => {
        this.#socket?.send(this.#packr.pack(this.#turn));
        this.#turn = [];
      });
    });
  }

  async close(): Promise<void> {
    this.#socket?.terminate();
    const exits = this.#children.map((child) => once(child, 'exit'));
    for (const child of this.#children) child.disconnect();
    await Promise.all(exits);
    rmSync(this.#directory, { recursive: true, force: true });
  }

  async #fork(name: string, standbys: readonly number[]): Promise<number> {
    const child = fork(NODE, [join(this.#directory, name), ...standbys.map(String)]);
    this.#children.push(child);
    const [port] = await once(child, 'message');
    return port as number;
  }
}
