import { createHash, type Hash } from 'node:crypto';
import type { Clock } from '@holdfast/types';

export interface TraceOptions {
  readonly clock: Pick<Clock, 'now'>;
  /** Given each line, for people. */
  readonly print?: ((line: string) => void) | undefined;
}

/**
 * What happened, in order. Two runs that did the same have the same digest, whether or not anybody reads along:
 * what a line tells people beyond its plain words is worked out only if it is printed.
 */
export class Trace {
  readonly #clock: Pick<Clock, 'now'>;
  readonly #print: ((line: string) => void) | undefined;
  readonly #hash: Hash = createHash('sha256');
  #lines = 0;

  constructor(options: TraceOptions) {
    this.#clock = options.clock;
    this.#print = options.print;
  }

  get lines(): number {
    return this.#lines;
  }

  /** `explain` says for people what `words` say in short. */
  record(words: string, explain?: () => string): void {
    const now = this.#clock.now();
    this.#lines += 1;
    this.#hash.update(`${now} ${words}\n`);
    this.#print?.(`${now.toFixed(3).padStart(11)}  ${explain === undefined ? words : explain()}`);
  }

  /** Of all lines so far, in hexadecimal. */
  digest(): string {
    return this.#hash.copy().digest('hex');
  }
}
