import type { EventEmitter } from 'node:events';
import { createRequire } from 'node:module';

/** What a stream of tape tells, as far as anybody here reads it. */
export interface TapeRow {
  readonly type: string;
  readonly id?: number;
  readonly test?: number;
  readonly ok?: boolean;
  readonly name?: string;
  readonly error?: unknown;
  readonly actual?: unknown;
  readonly expected?: unknown;
}

export interface TapeHarness {
  (name: string, run: (t: unknown) => unknown): void;
  createStream(options: { objectMode: true }): EventEmitter;
  /** When all tests have ended. */
  onFinish(callback: () => void): void;
}

const require = createRequire(import.meta.url);

/** abstract-level's own tests; `factory` makes each of them an empty database. */
export const suite: (options: { test: TapeHarness; factory: (options?: object) => unknown }) => void =
  require('abstract-level/test');

export const { createHarness }: { createHarness: () => TapeHarness } = require('tape');
