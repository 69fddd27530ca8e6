/** A package of others that is written for `level`, with the tests its authors wrote. */
export interface Consumer {
  readonly name: string;
  /** What its tests are written for. */
  readonly runner: 'mocha' | 'node:test' | 'tape';
  /** Absolute path of its tests. */
  readonly file: string;
}

export interface TestOutcome {
  readonly name: string;
  /** Undefined if it passed. */
  readonly error?: string;
}

/** What the process that runs the tests is told: by its environment, so that the arguments are those of node. */
export interface ConsumerRun extends Consumer {
  /** Of the cluster, without a namespace. */
  readonly location: string;
}

export const RUN_VARIABLE = 'HOLDFAST_CONSUMER';

export function currentRun(): ConsumerRun {
  return JSON.parse(process.env[RUN_VARIABLE] ?? '') as ConsumerRun;
}

/** To whoever started this process. */
export function report(name: string, error?: unknown): void {
  if (process.connected) process.send?.(error === undefined ? { name } : { name, error: String(error) });
}
