import { randomBytes } from 'node:crypto';
import { connect, type Socket } from 'node:net';

const OPCODE = { continuation: 0, text: 1, binary: 2, close: 8, ping: 9 } as const;

export interface FrameOptions {
  readonly opcode?: keyof typeof OPCODE;
  /** False: more of this message follows. */
  readonly final?: boolean;
  /** What the head says, if not the length of the bytes. */
  readonly claimedBytes?: number;
  readonly isMasked?: boolean;
  readonly reservedBits?: number;
}

/** How a connection ended: the close frame, if one came, or what was said in HTTP. */
export interface Ending {
  /** WebSocket close code; 1006 without a close frame. */
  readonly code: number;
  readonly reason: string;
}

/** A TCP connection made by hand, for what no library would say. */
export class RawSocket {
  readonly socket: Socket;
  /** What came in and was not parsed yet. */
  #received = Buffer.alloc(0);
  #ending: Ending | undefined;
  readonly #ended: Promise<Ending>;
  #resolveEnded!: (ending: Ending) => void;
  #isWebSocket = false;

  constructor(port: number) {
    this.socket = connect(port, '127.0.0.1');
    this.#ended = new Promise((resolve) => {
      this.#resolveEnded = resolve;
    });
    this.socket.on('error', () => {});
    this.socket.on('data', (bytes) => {
      this.#received = Buffer.concat([this.#received, bytes]);
      if (this.#isWebSocket) this.#parseFrames();
    });
    this.socket.on('close', () => this.#end({ code: 1006, reason: this.#received.toString('latin1') }));
  }

  get isOpen(): boolean {
    return this.#ending === undefined && !this.socket.destroyed;
  }

  connected(): Promise<void> {
    return new Promise((resolve) => this.socket.once('connect', () => resolve()));
  }

  /** Bytes as they are. */
  write(bytes: string | Uint8Array): void {
    this.socket.write(bytes);
  }

  /** Resolves when the other side has ended it. */
  ended(): Promise<Ending> {
    return this.#ended;
  }

  /** All that came until the other side closed. */
  async answer(): Promise<string> {
    await this.#ended;
    return this.#received.toString('latin1');
  }

  /** Asks for a WebSocket; the status line of the answer. */
  async upgrade(path: string, headers: Readonly<Record<string, string>>): Promise<string> {
    if (this.socket.connecting) await this.connected();
    const all = {
      host: `127.0.0.1:${this.socket.remotePort}`,
      connection: 'Upgrade',
      upgrade: 'websocket',
      'sec-websocket-version': '13',
      'sec-websocket-key': randomBytes(16).toString('base64'),
      ...headers,
    };
    const lines = Object.entries(all).map(([name, value]) => `${name}: ${value}\r\n`);
    this.write(`GET ${path} HTTP/1.1\r\n${lines.join('')}\r\n`);
    const isWhole = (): boolean => this.#received.includes('\r\n\r\n') || this.#ending !== undefined;
    while (!isWhole()) {
      await new Promise<void>((resolve) => {
        this.socket.once('data', () => resolve());
        this.socket.once('close', () => resolve());
      });
    }
    const head = this.#received.toString('latin1');
    if (head.startsWith('HTTP/1.1 101 ')) {
      this.#received = this.#received.subarray(head.indexOf('\r\n\r\n') + 4);
      this.#isWebSocket = true;
      this.#parseFrames();
      return 'HTTP/1.1 101';
    }
    await this.#ended;
    return this.#received.toString('latin1');
  }

  frame(payload: Uint8Array, options: FrameOptions = {}): void {
    this.write(frameBytes(payload, options));
  }

  destroy(): void {
    this.socket.destroy();
  }

  #parseFrames(): void {
    for (;;) {
      if (this.#received.length < 2) return;
      const opcode = this.#received[0]! & 0x0f;
      let length = this.#received[1]! & 0x7f;
      let start = 2;
      if (length === 126) {
        if (this.#received.length < 4) return;
        length = this.#received.readUInt16BE(2);
        start = 4;
      } else if (length === 127) {
        if (this.#received.length < 10) return;
        length = Number(this.#received.readBigUInt64BE(2));
        start = 10;
      }
      if (this.#received.length < start + length) return;
      const payload = this.#received.subarray(start, start + length);
      this.#received = this.#received.subarray(start + length);
      if (opcode === OPCODE.close) {
        const code = payload.length >= 2 ? payload.readUInt16BE(0) : 1005;
        this.#end({ code, reason: payload.subarray(2).toString() });
        this.socket.end();
      }
    }
  }

  #end(ending: Ending): void {
    this.#ending ??= ending;
    this.#resolveEnded(this.#ending);
  }
}

/** A WebSocket frame as a client sends it, or as none would. */
export function frameBytes(payload: Uint8Array, options: FrameOptions = {}): Buffer {
  const { opcode = 'binary', final = true, isMasked = true, reservedBits = 0 } = options;
  const bytes = options.claimedBytes ?? payload.byteLength;
  const head = Buffer.alloc(10);
  head[0] = (final ? 0x80 : 0) | (reservedBits << 4) | OPCODE[opcode];
  const maskBit = isMasked ? 0x80 : 0;
  let headBytes = 2;
  if (bytes < 126) head[1] = maskBit | bytes;
  else if (bytes < 65_536) {
    head[1] = maskBit | 126;
    head.writeUInt16BE(bytes, 2);
    headBytes = 4;
  } else {
    head[1] = maskBit | 127;
    head.writeBigUInt64BE(BigInt(bytes), 2);
    headBytes = 10;
  }
  // A mask of zeros changes nothing.
  return Buffer.concat([head.subarray(0, headBytes), Buffer.alloc(isMasked ? 4 : 0), payload]);
}
