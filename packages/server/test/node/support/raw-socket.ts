import { connect, type Socket } from 'node:net';

/** A WebSocket client made by hand, for what no library would do. */
export class RawSocket {
  readonly socket: Socket;
  closed = false;

  private constructor(socket: Socket) {
    this.socket = socket;
    socket.on('error', () => {});
    socket.on('close', () => {
      this.closed = true;
    });
  }

  /** Resolves with the first bytes of the answer in `answer`. */
  static async upgrade(
    port: number,
    path: string,
    headers: Readonly<Record<string, string>>,
  ): Promise<{ raw: RawSocket; answer: string }> {
    const socket = connect(port, '127.0.0.1');
    const raw = new RawSocket(socket);
    const lines = Object.entries({
      host: `127.0.0.1:${port}`,
      connection: 'Upgrade',
      upgrade: 'websocket',
      'sec-websocket-version': '13',
      'sec-websocket-key': 'AAAAAAAAAAAAAAAAAAAAAA==',
      ...headers,
    }).map(([name, value]) => `${name}: ${value}\r\n`);
    socket.write(`GET ${path} HTTP/1.1\r\n${lines.join('')}\r\n`);
    const answer = await new Promise<string>((resolve) => {
      socket.once('data', (data: Buffer) => resolve(data.toString()));
      socket.once('close', () => resolve(''));
    });
    return { raw, answer };
  }

  /** One binary frame, masked with nothing. */
  send(payload: Uint8Array): void {
    const header = Buffer.alloc(8);
    header[0] = 0x82;
    header[1] = 0x80 | 126;
    header.writeUInt16BE(payload.byteLength, 2);
    this.socket.write(header);
    this.socket.write(payload);
  }
}
