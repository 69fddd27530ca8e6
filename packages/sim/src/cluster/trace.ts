import { createHash, type Hash } from 'node:crypto';
import type { Clock } from '@holdfast/types';

export interface TraceOptions {
  readonly clock: Pick<Clock, 'now'>;
  /** Given each line, for people. */
  readonly print?: ((line: string) => void) | undefined;
  /** Of a line for people: whoever records it is none the wiser. */
  onThrow(error: unknown): void;
}

const TEXT_LENGTH_MAX = 16_384;

/**
 * What happened, in order. Two runs that did the same have the same digest, whether or not anybody reads along:
 * what a line tells people beyond its plain words is worked out only if it is printed.
 */
export class Trace {
  readonly #clock: Pick<Clock, 'now'>;
  readonly #print: ((line: string) => void) | undefined;
  readonly #onThrow: TraceOptions['onThrow'];
  readonly #hash: Hash = createHash('sha256');
  /** Lines that are not hashed yet: each call of the hash costs more than the line does. */
  #text = '';
  #lines = 0;
  /** A moment as text, which many lines begin with. */
  #moment = '0';
  #momentAt = 0;

  constructor(options: TraceOptions) {
    this.#clock = options.clock;
    this.#print = options.print;
    this.#onThrow = options.onThrow;
  }

  get lines(): number {
    return this.#lines;
  }

  /** `explain` says for people what `words` say in short. */
  record(words: string, explain?: () => string): void {
    const now = this.#clock.now();
    this.#lines += 1;
    if (now !== this.#momentAt) {
      this.#momentAt = now;
      this.#moment = String(now);
    }
    this.#text += `${this.#moment} ${words}\n`;
    if (this.#text.length > TEXT_LENGTH_MAX) this.#hashText();
    if (this.#print !== undefined) this.#show(this.#print, now, explain ?? (() => words));
  }

  #show(print: (line: string) => void, now: number, explain: () => string): void {
    try {
      print(`${now.toFixed(3).padStart(11)}  ${explain()}`);
    } catch (error) {
      this.#onThrow(error);
    }
  }

  /** Of all lines so far, in hexadecimal. */
  digest(): string {
    this.#hashText();
    return this.#hash.copy().digest('hex');
  }

  #hashText(): void {
    this.#hash.update(this.#text);
    this.#text = '';
  }
}
