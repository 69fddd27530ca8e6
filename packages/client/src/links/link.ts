import {
  CLIENT_SUBPROTOCOL,
  type ClientMessage,
  type ClusterId,
  type Connection,
  HoldfastError,
  LIMITS,
  PROTOCOL_VERSION,
  type ServerMessage,
  type Timer,
} from '@holdfast/types';
import { decodeServerMessages, encodeClientMessages } from '@holdfast/wire';
import type { Seams } from '../seams.ts';
import type { LinkId } from '../session/call.ts';
import type { LinkTiming } from './link-timing.ts';

export type Welcome = Extract<ServerMessage, { kind: 'welcome' }>;

export interface LinkHandlers {
  /** `roundTripMs`: from this client's hello until now. */
  onWelcome(welcome: Welcome, roundTripMs: number): void;
  onMessages(messages: readonly ServerMessage[]): void;
  /** Exactly once, last. `error`: why the node refused, if it said so. */
  onDown(error: HoldfastError): void;
}

export interface LinkOptions {
  readonly id: LinkId;
  readonly url: string;
  readonly seams: Seams;
  readonly timing: LinkTiming;
  readonly hello: {
    readonly database: string;
    readonly cluster: ClusterId | undefined;
    readonly name: string;
  };
  readonly handlers: LinkHandlers;
}

/** Close code for a node that breaks the protocol. */
const VIOLATION_CODE = 4000;

/** One life of one connection to a node: handshake, frames in both directions, end. */
export class Link {
  readonly id: LinkId;
  readonly url: string;
  /** When anything was sent last; 0 before that. */
  sentAt = 0;
  readonly #options: LinkOptions;
  readonly #connection: Connection;
  #state: 'connecting' | 'greeting' | 'up' | 'closing' | 'down' = 'connecting';
  #refusal: HoldfastError | undefined;
  #timer: Timer | undefined;
  #greetedAt = 0;

  constructor(options: LinkOptions) {
    this.id = options.id;
    this.url = options.url;
    this.#options = options;
    const { seams, timing } = options;
    this.#connection = seams.transport.connect({
      url: clientAddress(options.url),
      subprotocol: CLIENT_SUBPROTOCOL,
      handshakeTimeoutMs: timing.handshakeTimeoutMs,
      maxMessageBytes: LIMITS.clientFrameBytesMax,
      handlers: {
        onOpen: () => this.#onOpen(),
        onMessage: (bytes) => this.#onMessage(bytes),
        onClose: ({ cause, reason }) => this.#onClose(cause, reason),
      },
    });
  }

  get up(): boolean {
    return this.#state === 'up';
  }

  get down(): boolean {
    return this.#state === 'down';
  }

  /** Does nothing unless the link is up. */
  send(messages: readonly ClientMessage[]): void {
    if (this.#state !== 'up') return;
    this.sentAt = this.#options.seams.clock.now();
    this.#connection.send(encodeClientMessages(messages));
  }

  /** The node broke the protocol: nothing it says is listened to any more. */
  violated(reason: string): void {
    if (this.#state === 'down' || this.#state === 'closing') return;
    this.#refusal ??= new HoldfastError('HOLDFAST_INVALID_MESSAGE', `${this.url}: ${reason}`);
    this.close(VIOLATION_CODE, 'invalid message');
  }

  /** In order if the node plays along, else by force after a moment. */
  close(code = 1000, reason = ''): void {
    if (this.#state === 'down' || this.#state === 'closing') return;
    if (this.#state === 'connecting') {
      this.terminate();
      return;
    }
    this.#state = 'closing';
    this.#connection.close(code, reason);
    this.#startTimer(this.#options.timing.closeTimeoutMs, () => this.terminate());
  }

  /** At once; `onDown` follows when the transport has noticed. */
  terminate(): void {
    if (this.#state === 'down') return;
    this.#state = 'closing';
    this.#timer?.cancel();
    this.#connection.terminate();
  }

  #onOpen(): void {
    if (this.#state !== 'connecting') return;
    this.#state = 'greeting';
    this.#greetedAt = this.#options.seams.clock.now();
    this.sentAt = this.#greetedAt;
    const { database, cluster, name } = this.#options.hello;
    const hello = { kind: 'hello', protocol: PROTOCOL_VERSION, database, name } as const;
    this.#connection.send(encodeClientMessages([cluster === undefined ? hello : { ...hello, cluster }]));
    this.#startTimer(this.#options.timing.welcomeTimeoutMs, () => {
      this.#refusal ??= new HoldfastError(
        'HOLDFAST_NOT_READY',
        `${this.url} accepted the connection and then kept silent`,
      );
      this.terminate();
    });
  }

  #onMessage(bytes: Uint8Array): void {
    if (this.#state !== 'greeting' && this.#state !== 'up') return;
    let messages: ServerMessage[];
    try {
      messages = decodeServerMessages(bytes);
    } catch (error) {
      if (error instanceof HoldfastError && error.code === 'HOLDFAST_VERSION_MISMATCH')
        this.#refuse(error.code, `${this.url}: ${error.message}`);
      else this.violated(error instanceof Error ? error.message : 'undecodable frame');
      return;
    }
    const refused = messages.find((message) => message.kind === 'failed' && message.id === 0);
    if (refused?.kind === 'failed') {
      const { code, message, outcome, retryable } = refused.error;
      this.#refusal = new HoldfastError(code, message, { outcome, retryable, node: this.url });
    }
    if (this.#state === 'greeting') messages = this.#greet(messages);
    if (messages.length > 0) this.#options.handlers.onMessages(messages);
    // The node closes after such a word; one that forgets to must not keep this client waiting.
    if (refused !== undefined) this.close();
  }

  /** The first message is the welcome; what follows it in the same frame is returned. */
  #greet(messages: ServerMessage[]): ServerMessage[] {
    const [first, ...rest] = messages;
    if (first?.kind === 'failed') return [];
    if (first?.kind !== 'welcome') {
      this.violated('the first message is no welcome');
      return [];
    }
    const { cluster } = this.#options.hello;
    if (first.protocol !== PROTOCOL_VERSION) {
      this.#refuse(
        'HOLDFAST_VERSION_MISMATCH',
        `${this.url} speaks protocol ${first.protocol}, this client ${PROTOCOL_VERSION}`,
      );
      return [];
    }
    if (cluster !== undefined && first.cluster !== undefined && first.cluster !== cluster) {
      this.#refuse(
        'HOLDFAST_WRONG_CLUSTER',
        `${this.url} belongs to cluster ${first.cluster}, not ${cluster}`,
      );
      return [];
    }
    this.#timer?.cancel();
    this.#state = 'up';
    this.#options.handlers.onWelcome(first, this.#options.seams.clock.now() - this.#greetedAt);
    return rest;
  }

  #refuse(code: 'HOLDFAST_VERSION_MISMATCH' | 'HOLDFAST_WRONG_CLUSTER', message: string): void {
    this.#refusal = new HoldfastError(code, message);
    this.close(VIOLATION_CODE, code);
  }

  #onClose(cause: 'refused' | 'closed', reason: string): void {
    this.#state = 'down';
    this.#timer?.cancel();
    const text = `${this.url} ${cause === 'refused' ? 'cannot be reached' : 'closed the connection'}${reason === '' ? '' : `: ${reason}`}`;
    this.#options.handlers.onDown(this.#refusal ?? new HoldfastError('HOLDFAST_NO_PRIMARY', text));
  }

  #startTimer(delayMs: number, callback: () => void): void {
    this.#timer?.cancel();
    this.#timer = this.#options.seams.clock.setTimer(delayMs, callback);
  }
}

/** Where a node at `url` takes clients. */
function clientAddress(url: string): string {
  return `${url.replace(/\/+$/, '')}/client`;
}
