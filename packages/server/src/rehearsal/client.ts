import {
  type ClientMessage,
  type Connection,
  type ConnectionHandlers,
  PROTOCOL_VERSION,
  type SessionId,
} from '@holdfast/types';
import { decodeServerMessages, encodeClientMessages } from '@holdfast/wire';

const PATIENCE_MS = 5000;
const KEYS = 1000;
const KEY_BYTES = 16;
const VALUE = new Uint8Array(100);

/** One client on a connection that ends in this process. */
export class Client implements Connection {
  readonly remoteAddress = 'rehearsal';
  readonly subprotocol = '';
  readonly bufferedBytes = 0;
  readonly receivedBytes = 0;
  handlers: ConnectionHandlers = { onMessage: () => {}, onClose: () => {} };
  /** Writes acknowledged so far. */
  written = 0;
  #session: SessionId | undefined;
  #sequence = 0;
  /** Every sequence up to it is answered: a frame is written when the one before is. */
  #floor = 0;

  greet(): void {
    this.#say({ kind: 'hello', protocol: PROTOCOL_VERSION, database: 'default', name: 'rehearsal' });
    this.#say({ kind: 'openSession', id: 1, remainingMs: PATIENCE_MS });
  }

  /** `count` writes in one frame. */
  write(count: number): void {
    if (this.#session === undefined) return;
    const first = this.#sequence + 1;
    this.#sequence += count;
    const requests = Array.from({ length: count }, (_, at) => ({
      id: first + at,
      sequence: first + at,
      ack: 'quorum' as const,
      remainingMs: PATIENCE_MS,
      conditions: [],
      operations: [{ kind: 'put' as const, key: keyOf(first + at), value: VALUE }],
    }));
    this.#say({ kind: 'write', session: this.#session, floor: this.#floor, requests });
  }

  send(bytes: Uint8Array): void {
    for (const message of decodeServerMessages(bytes)) {
      if (message.kind === 'sessionOpened') this.#session = message.session;
      if (message.kind !== 'writeReplies') continue;
      this.written += message.replies.length;
      this.#floor = this.#sequence;
    }
  }

  close(): void {}

  terminate(): void {}

  #say(message: ClientMessage): void {
    this.handlers.onMessage(encodeClientMessages([message]));
  }
}

function keyOf(number: number): Uint8Array {
  const key = new Uint8Array(KEY_BYTES);
  new DataView(key.buffer).setUint32(KEY_BYTES - 4, number % KEYS);
  return key;
}
