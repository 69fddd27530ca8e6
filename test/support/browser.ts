import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';

/** No network of its own, and no profile but a new one. */
const FLAGS = [
  '--headless',
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--disable-dev-shm-usage',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  '--hide-scrollbars',
  '--remote-debugging-port=0',
];

/** Chromium with one page, driven by its debugging protocol: https://chromedevtools.github.io/devtools-protocol/ */
export class Browser {
  /** What the page threw or logged as an error. */
  readonly errors: string[] = [];
  readonly #process: ChildProcess;
  readonly #socket: WebSocket;
  readonly #waiting = new Map<number, (answer: { result?: unknown; error?: { message: string } }) => void>();
  readonly #events = new Map<string, () => void>();
  #session: string | undefined;
  #last = 0;

  /** `profile`: an empty directory. */
  static async open(
    url: string,
    options: { readonly width: number; readonly height: number; readonly profile: string },
  ): Promise<Browser> {
    const { width, height, profile } = options;
    const flags = [...FLAGS, `--window-size=${width},${height}`, `--user-data-dir=${profile}`];
    const child = spawn('chromium', [...flags, 'about:blank'], {
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    const socket = new WebSocket(await addressOf(child));
    await once(socket, 'open');
    const browser = new Browser(child, socket);
    await browser.#load(url);
    return browser;
  }

  private constructor(child: ChildProcess, socket: WebSocket) {
    this.#process = child;
    this.#socket = socket;
    socket.addEventListener('message', ({ data }) => this.#onMessage(JSON.parse(String(data))));
  }

  /** The value of an expression in the page, promises awaited. */
  async evaluate<Result>(expression: string): Promise<Result> {
    const answer = (await this.#send('Runtime.evaluate', {
      expression,
      awaitPromise: true,
      returnByValue: true,
    })) as { result: { value: Result }; exceptionDetails?: { exception?: { description?: string } } };
    if (answer.exceptionDetails !== undefined)
      throw new Error(answer.exceptionDetails.exception?.description ?? expression);
    return answer.result.value;
  }

  /** As a person would press it; `text` is what it types. */
  async press(key: string, text: string = key.length === 1 ? key : ''): Promise<void> {
    await this.#send('Input.dispatchKeyEvent', { type: 'keyDown', key, ...(text === '' ? {} : { text }) });
    await this.#send('Input.dispatchKeyEvent', { type: 'keyUp', key });
  }

  /** As a person would, at a point of the window. */
  async click(x: number, y: number): Promise<void> {
    const at = { x, y, button: 'left', clickCount: 1 };
    await this.#send('Input.dispatchMouseEvent', { type: 'mousePressed', ...at });
    await this.#send('Input.dispatchMouseEvent', { type: 'mouseReleased', ...at });
  }

  /** Turns the wheel at a point of the window: up, which zooms in, is below 0. */
  async wheel(x: number, y: number, deltaY: number): Promise<void> {
    await this.#send('Input.dispatchMouseEvent', { type: 'mouseWheel', x, y, deltaX: 0, deltaY });
  }

  /** A PNG of the window. */
  async screenshot(): Promise<Buffer> {
    const { data } = (await this.#send('Page.captureScreenshot', { format: 'png' })) as { data: string };
    return Buffer.from(data, 'base64');
  }

  async close(): Promise<void> {
    const ended = once(this.#process, 'exit');
    this.#socket.close();
    this.#process.kill();
    await ended;
  }

  async #load(url: string): Promise<void> {
    const { targetId } = (await this.#send('Target.createTarget', { url: 'about:blank' })) as {
      targetId: string;
    };
    const attached = await this.#send('Target.attachToTarget', { targetId, flatten: true });
    this.#session = (attached as { sessionId: string }).sessionId;
    await this.#send('Runtime.enable', {});
    await this.#send('Page.enable', {});
    const loaded = new Promise<void>((resolve) => this.#events.set('Page.loadEventFired', resolve));
    await this.#send('Page.navigate', { url });
    await loaded;
  }

  #send(method: string, params: object): Promise<unknown> {
    this.#last += 1;
    const id = this.#last;
    const session = this.#session === undefined ? {} : { sessionId: this.#session };
    this.#socket.send(JSON.stringify({ id, method, params, ...session }));
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, ({ result, error }) => {
        if (error === undefined) resolve(result);
        else reject(new Error(`${method}: ${error.message}`));
      });
    });
  }

  #onMessage(message: {
    id?: number;
    method?: string;
    result?: unknown;
    error?: { message: string };
    params?: { exceptionDetails?: { text: string; exception?: { description?: string } } };
  }): void {
    if (message.id !== undefined) {
      this.#waiting.get(message.id)?.(message);
      this.#waiting.delete(message.id);
      return;
    }
    const thrown = message.params?.exceptionDetails;
    if (message.method === 'Runtime.exceptionThrown')
      this.errors.push(thrown?.exception?.description ?? thrown?.text ?? 'something');
    this.#events.get(message.method ?? '')?.();
  }
}

/** Chromium says where it listens, once, on stderr. */
async function addressOf(child: ChildProcess): Promise<string> {
  const said: string[] = [];
  const failed = once(child, 'error').then(([error]) => {
    throw new Error('chromium does not start: install it (apt-get install chromium)', { cause: error });
  });
  const found = (async (): Promise<string> => {
    for await (const line of createInterface({ input: child.stderr! })) {
      said.push(line);
      const address = /^DevTools listening on (ws:.*)$/.exec(line)?.[1];
      if (address !== undefined) return address;
    }
    throw new Error(`chromium ended: ${said.join('\n')}`);
  })();
  return Promise.race([found, failed]);
}
