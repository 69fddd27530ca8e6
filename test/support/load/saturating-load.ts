import { randomBytes } from 'node:crypto';
import { cpus } from 'node:os';
import { type Holdfast, HoldfastError } from '@holdfast/client';

const VALUE_CHARACTERS = 100;
const KEYS = 100_000;

/** Writers and readers that never pause: with the nodes they keep two cores busy. */
export class SaturatingLoad {
  writes = 0;
  reads = 0;
  readonly words: string[] = [];
  readonly #client: Holdfast<string, string>;
  readonly #cpuAtStart = cpuTimes();
  readonly #done: Promise<unknown>;
  #stopped = false;

  constructor(client: Holdfast<string, string>, { writers = 64, readers = 16 } = {}) {
    this.#client = client;
    this.#done = Promise.all([
      ...Array.from({ length: writers }, () => this.#repeat(() => this.#write())),
      ...Array.from({ length: readers }, () => this.#repeat(() => this.#read())),
    ]);
  }

  /** Of all cores since the start, 0 to 1. */
  get busyShare(): number {
    const { idle, all } = cpuTimes();
    return 1 - (idle - this.#cpuAtStart.idle) / (all - this.#cpuAtStart.all);
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    await this.#done;
  }

  async #repeat(call: () => Promise<void>): Promise<void> {
    while (!this.#stopped) {
      try {
        await call();
      } catch (error) {
        if (!(error instanceof HoldfastError)) throw error;
        if (this.words.length < 10) this.words.push(`${error.code}: ${error.message}`);
      }
    }
  }

  async #write(): Promise<void> {
    await this.#client.put(randomKey(), randomBytes(VALUE_CHARACTERS / 2).toString('hex'));
    this.writes += 1;
  }

  async #read(): Promise<void> {
    await this.#client.get(randomKey());
    this.reads += 1;
  }
}

function randomKey(): string {
  return `key-${Math.floor(Math.random() * KEYS)}`;
}

function cpuTimes(): { idle: number; all: number } {
  const times = cpus().map((core) => core.times);
  const sum = (numbers: readonly number[]): number => numbers.reduce((total, number) => total + number, 0);
  return { idle: sum(times.map(({ idle }) => idle)), all: sum(times.flatMap((each) => Object.values(each))) };
}
