import { crc32 } from 'node:zlib';
import { CLIENT_SUBPROTOCOL, PEER_SUBPROTOCOL, SNAPSHOT_SUBPROTOCOL } from '@holdfast/types';
import type { NetworkObserver, SentMessage } from '../network/network-observer.ts';
import { explainMessage } from './explain-message.ts';
import type { Trace } from './trace.ts';

const LINKS: Readonly<Record<string, string>> = {
  [PEER_SUBPROTOCOL]: 'peer',
  [SNAPSHOT_SUBPROTOCOL]: 'snapshot',
  [CLIENT_SUBPROTOCOL]: 'client',
};

/** Writes down who sends what to whom, and when it arrives. */
export class MessageTrace implements NetworkObserver {
  readonly #trace: Trace;
  #last = 0;

  constructor(trace: Trace) {
    this.#trace = trace;
  }

  onSent(message: SentMessage): number {
    const number = ++this.#last;
    const { from, to, subprotocol, bytes } = message;
    const words = `#${number} ${from} > ${to} ${LINKS[subprotocol] ?? subprotocol}`;
    this.#trace.record(
      `${words} ${bytes.length} ${crc32(bytes).toString(16)}`,
      () => `${words}: ${explainMessage(message)}`,
    );
    return number;
  }

  onRepeated(message: SentMessage): void {
    const { from, to, bytes } = message;
    const words = `again at ${to} from ${from}`;
    this.#trace.record(
      `${words} ${bytes.length} ${crc32(bytes).toString(16)}`,
      () => `${words}: ${explainMessage(message)}`,
    );
  }

  onArrived(number: number, { from, to }: SentMessage): void {
    this.#trace.record(`#${number} at ${to} from ${from}`);
  }
}
