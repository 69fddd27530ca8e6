/** Where lines go: a stream of the process, in tests an array. */
export interface TextSink {
  write(text: string | Uint8Array, done?: () => void): unknown;
  on(event: 'error', listener: (error: NodeJS.ErrnoException) => void): unknown;
  readonly isTTY?: boolean | undefined;
  readonly columns?: number | undefined;
  readonly rows?: number | undefined;
  readonly writableNeedDrain?: boolean;
  once?(event: 'drain', listener: () => void): unknown;
}

export interface OutputStreams {
  readonly stdout: TextSink;
  readonly stderr: TextSink;
}

/** stdout is data, stderr is words. A reader that goes away (`| head`) ends the program without a word. */
export class Output {
  readonly stdout: TextSink;
  readonly stderr: TextSink;
  /** Of stdout: colours and a table drawn in place. */
  readonly isLive: boolean;
  readonly hasColour: boolean;
  #onReaderGone: () => void;

  constructor(
    streams: OutputStreams,
    env: Readonly<Record<string, string | undefined>>,
    onReaderGone: () => void,
  ) {
    this.stdout = streams.stdout;
    this.stderr = streams.stderr;
    this.isLive = streams.stdout.isTTY === true && env.TERM !== 'dumb';
    // https://no-color.org: present and not empty, whatever it says.
    this.hasColour = this.isLive && (env.NO_COLOR ?? '') === '';
    this.#onReaderGone = onReaderGone;
    for (const stream of [streams.stdout, streams.stderr]) {
      stream.on('error', (error) => {
        if (error.code === 'EPIPE' || error.code === 'EIO') this.#onReaderGone();
        else throw error;
      });
    }
  }

  /** For commands that have something to put in order first. */
  set onReaderGone(callback: () => void) {
    this.#onReaderGone = callback;
  }

  /** One line of data. */
  line(text: string): void {
    this.stdout.write(`${text}\n`);
  }

  json(record: object): void {
    this.stdout.write(`${JSON.stringify(record)}\n`);
  }

  bytes(bytes: Uint8Array): void {
    this.stdout.write(bytes);
  }

  /** For a person. */
  words(text: string): void {
    this.stderr.write(`${text}\n`);
  }

  /** Resolves when stdout takes more: a long scan must not pile up in memory behind a slow reader. */
  async drained(): Promise<void> {
    const { stdout } = this;
    if (stdout.writableNeedDrain !== true) return;
    await new Promise<void>((resolve) => stdout.once?.('drain', resolve));
  }

  /** Resolves when all that was written has left the process. */
  async flushed(): Promise<void> {
    await Promise.all(
      [this.stdout, this.stderr].map(
        (sink) => new Promise<void>((resolve) => sink.write('', () => resolve())),
      ),
    );
  }
}
