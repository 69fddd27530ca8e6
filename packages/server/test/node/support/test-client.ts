import { WebSocketTransport } from '@holdfast/io';
import {
  type Ack,
  CLIENT_SUBPROTOCOL,
  type ClientMessage,
  type CloseInfo,
  type Connection,
  type Consistency,
  HoldfastError,
  type Operation,
  PROTOCOL_VERSION,
  type ReadAnswer,
  type Revision,
  type ServerMessage,
  type SessionId,
  type Topology,
  type WireError,
  type WriteReceipt,
} from '@holdfast/types';
import { decodeServerMessages, encodeClientMessages } from '@holdfast/wire';

const encoder = new TextEncoder();
const decoder = new TextDecoder();

export function bytes(text: string): Uint8Array {
  return encoder.encode(text);
}

export function text(value: Uint8Array | undefined): string | undefined {
  return value === undefined ? undefined : decoder.decode(value);
}

export function put(key: string, value: string): Operation {
  return { kind: 'put', key: bytes(key), value: bytes(value) };
}

interface Call {
  resolve(message: never): void;
  reject(error: Error): void;
}

/** One client connection that speaks the wire protocol and nothing more: no routing, no retries. */
export class TestClient {
  readonly welcome: Extract<ServerMessage, { kind: 'welcome' }>;
  topology: Topology;
  closed: CloseInfo | undefined;
  readonly connection: Connection;
  readonly #calls: Map<number, Call>;
  #session: SessionId | undefined;
  #lastId = 0;
  #sequence = 0;
  /** Sequences without an answer. */
  readonly #unanswered = new Set<number>();
  #outgoing: ClientMessage[] = [];

  private constructor(connection: Connection, welcome: TestClient['welcome'], calls: Map<number, Call>) {
    this.connection = connection;
    this.welcome = welcome;
    this.topology = welcome.topology;
    this.#calls = calls;
  }

  static connect(
    url: string,
    hello: Partial<Extract<ClientMessage, { kind: 'hello' }>> = {},
    maxMessageBytes = 16_777_216,
  ): Promise<TestClient> {
    return new Promise((resolve, reject) => {
      const calls = new Map<number, Call>();
      let client: TestClient | undefined;
      const connection = new WebSocketTransport().connect({
        url: `${url}/client`,
        subprotocol: CLIENT_SUBPROTOCOL,
        handshakeTimeoutMs: 2000,
        maxMessageBytes,
        handlers: {
          onOpen: () =>
            connection.send(
              encodeClientMessages([
                { kind: 'hello', protocol: PROTOCOL_VERSION, database: 'default', name: 'test', ...hello },
              ]),
            ),
          onMessage: (frame) => {
            for (const message of decodeServerMessages(frame)) {
              if (message.kind === 'welcome') {
                client = new TestClient(connection, message, calls);
                resolve(client);
              } else if (message.kind === 'failed' && message.id === 0) {
                reject(toError(message.error));
              } else if (client !== undefined && message.kind !== 'scanOpened') {
                client.#onMessage(message);
              }
            }
          },
          onClose: (info) => {
            const error = new HoldfastError(
              'HOLDFAST_OUTCOME_UNKNOWN',
              `closed: ${info.code} ${info.reason}`,
            );
            if (client !== undefined) client.closed = info;
            for (const call of calls.values()) call.reject(error);
            reject(error);
          },
        },
      });
    });
  }

  async openSession(): Promise<SessionId> {
    const opened = await this.call<'sessionOpened'>((id) => ({ kind: 'openSession', id, remainingMs: 5000 }));
    this.#session = opened.session;
    return opened.session;
  }

  async write(
    operations: readonly Operation[],
    options: { ack?: Ack; remainingMs?: number } = {},
  ): Promise<WriteReceipt> {
    const session = this.#session ?? (await this.openSession());
    this.#sequence += 1;
    const sequence = this.#sequence;
    const { ack = 'quorum', remainingMs = 5000 } = options;
    this.#unanswered.add(sequence);
    // In the order they were added: the first is the lowest.
    const [lowest = sequence] = this.#unanswered;
    try {
      return await this.#ask<WriteReceipt>((id) => ({
        kind: 'write',
        session,
        floor: lowest - 1,
        requests: [{ id, sequence, ack, remainingMs, conditions: [], operations }],
      }));
    } finally {
      this.#unanswered.delete(sequence);
    }
  }

  async put(key: string, value: string, ack?: Ack): Promise<WriteReceipt> {
    return await this.write([put(key, value)], ack === undefined ? {} : { ack });
  }

  read(
    keys: readonly string[],
    options: { consistency?: Consistency; token?: Revision; remainingMs?: number } = {},
  ): Promise<ReadAnswer> {
    const { consistency = 'linearizable', token = 0 as Revision, remainingMs = 5000 } = options;
    return this.#ask<ReadAnswer>((id) => ({
      kind: 'read',
      reads: [{ id, consistency, remainingMs, keys: keys.map(bytes), token }],
    }));
  }

  async get(key: string, consistency?: Consistency): Promise<string | undefined> {
    const answer = await this.read([key], consistency === undefined ? {} : { consistency });
    return text(answer.items[0]?.value);
  }

  /** From the snapshot opened under that id. */
  async getFrom(snapshot: number, keys: readonly string[]): Promise<(string | undefined)[]> {
    const { items } = await this.readFrom(snapshot, keys);
    return items.map((item) => text(item?.value));
  }

  readFrom(snapshot: number, keys: readonly string[]): Promise<ReadAnswer> {
    return this.#ask<ReadAnswer>((id) => ({
      kind: 'snapshotRead',
      remainingMs: 5000,
      id,
      snapshot,
      keys: keys.map(bytes),
    }));
  }

  /** Sends a message with an id of its own; resolves with the answer of that id. */
  call<Kind extends ServerMessage['kind']>(
    make: (id: number) => ClientMessage,
  ): Promise<Extract<ServerMessage, { kind: Kind }>> {
    return this.#ask(make);
  }

  send(messages: readonly ClientMessage[]): void {
    this.connection.send(encodeClientMessages(messages));
  }

  close(): void {
    this.connection.close();
  }

  #ask<Answer>(make: (id: number) => ClientMessage): Promise<Answer> {
    this.#lastId += 1;
    const id = this.#lastId;
    return new Promise<Answer>((resolve, reject) => {
      this.#calls.set(id, { resolve, reject });
      this.#sendLater(make(id));
    });
  }

  /** Messages of one turn leave in one frame. */
  #sendLater(message: ClientMessage): void {
    this.#outgoing.push(message);
    if (this.#outgoing.length > 1) return;
    queueMicrotask(() => {
      this.send(this.#outgoing);
      this.#outgoing = [];
    });
  }

  #onMessage(message: ServerMessage): void {
    if (message.kind === 'topology') {
      this.topology = message.topology;
    } else if (message.kind === 'writeReplies') {
      for (const reply of message.replies)
        this.#settle(reply.id, 'receipt' in reply ? reply.receipt : reply.error);
    } else if (message.kind === 'readReplies') {
      for (const reply of message.replies)
        this.#settle(reply.id, 'answer' in reply ? reply.answer : reply.error);
    } else if (message.kind === 'failed') {
      this.#settle(message.id, message.error);
    } else if (message.kind !== 'welcome') {
      this.#settle(message.id, message);
    }
  }

  #settle(id: number, answer: unknown): void {
    const call = this.#calls.get(id);
    this.#calls.delete(id);
    if (isWireError(answer)) call?.reject(toError(answer));
    else call?.resolve(answer as never);
  }
}

function isWireError(answer: unknown): answer is WireError {
  return typeof answer === 'object' && answer !== null && 'code' in answer;
}

function toError({ code, message, ...options }: WireError): HoldfastError {
  return new HoldfastError(code, message, options);
}
