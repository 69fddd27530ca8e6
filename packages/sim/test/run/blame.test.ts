import { Holdfast } from '@holdfast/client';
import { Core } from '@holdfast/core';
import { AssertionError } from '@holdfast/types';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { CoverageMarks } from '../../src/coverage/coverage-marks.ts';
import type { Fault } from '../../src/faults/fault-types.ts';
import { Triggers } from '../../src/faults/trigger.ts';
import { drawSchedule, RunFailure, type RunOptions, type Schedule, trySchedule } from '../../src/index.ts';
import { BoundedQueues } from '../../src/oracles/bounded-queues.ts';
import { StateMachineSafety } from '../../src/oracles/state-machine-safety.ts';
import { CallBook } from '../../src/workload/call-book.ts';

/** A short one. */
const SEED = 42;
const BROKEN = new TypeError('broken on purpose');

beforeEach(() => {
  vi.restoreAllMocks();
});

afterEach(() => {
  vi.restoreAllMocks();
});

function breaks(): never {
  throw BROKEN;
}

async function failureOf(
  changes: Omit<Partial<Schedule>, 'seed'> = {},
  options: RunOptions = {},
): Promise<RunFailure> {
  const outcome = await trySchedule({ ...drawSchedule(SEED), ...changes }, options);
  if (!(outcome instanceof RunFailure)) throw new Error('it passed');
  return outcome;
}

function ofSimulator(): Promise<void> {
  return expect(failureOf()).resolves.toMatchObject({ kind: 'simulator', cause: BROKEN });
}

it('blames the simulator for an oracle that breaks while it watches', async () => {
  vi.spyOn(BoundedQueues.prototype, 'onStep').mockImplementation(breaks);
  await ofSimulator();
});

it('blames the simulator for an assertion of an oracle', async () => {
  vi.spyOn(BoundedQueues.prototype, 'onStep').mockImplementation(() => {
    throw new AssertionError('of the oracle');
  });
  await expect(failureOf()).resolves.toMatchObject({ kind: 'simulator', message: 'of the oracle' });
});

it('blames the simulator for an oracle that breaks in the end', async () => {
  vi.spyOn(StateMachineSafety.prototype, 'winningLog').mockImplementation(breaks);
  await ofSimulator();
});

it.each(['onRecovered', 'beforeStep', 'afterStep'] as const)(
  'blames the simulator for marks that break: %s',
  async (method) => {
    vi.spyOn(CoverageMarks.prototype, method).mockImplementation(breaks);
    await ofSimulator();
  },
);

it('blames the simulator for a trigger that breaks', async () => {
  vi.spyOn(Triggers.prototype, 'onStep').mockImplementation(breaks);
  await ofSimulator();
});

it('blames the simulator for whoever prints the trace', async () => {
  const failure = await failureOf({}, { print: breaks });
  expect(failure).toMatchObject({ kind: 'simulator', cause: BROKEN });
});

it('blames the simulator for the work of its clients, and for what these keep book of', async () => {
  vi.spyOn(CallBook.prototype, 'write').mockImplementation(breaks);
  await ofSimulator();
});

/** What it is to do later cannot be done. */
const SENSELESS = null as never;

it.each<[string, Fault]>([
  [
    'a timer',
    {
      kind: 'kill',
      node: 'n1',
      comeback: { awayMs: 5, fails: { afterMs: 5, comeback: SENSELESS } },
    } as Fault,
  ],
  [
    'an operation of a disk',
    { kind: 'killAtOperation', node: 'n1', moment: 'start', after: 0, comeback: SENSELESS } as Fault,
  ],
  [
    'a disk that failed',
    {
      kind: 'failedSync',
      node: 'n1',
      where: 'wal',
      forGood: true,
      forMs: 1000,
      comeback: SENSELESS,
    } as Fault,
  ],
])('blames the simulator for a fault that breaks later, at %s', async (_when, fault) => {
  const failure = await failureOf({ faults: [{ atMs: 1, ...fault }] });
  expect(failure).toMatchObject({ kind: 'simulator', cause: expect.any(TypeError) });
});

it('blames the code under test for what the client library lets out', async () => {
  vi.spyOn(Holdfast.prototype, 'write').mockRejectedValue(BROKEN);
  await expect(failureOf()).resolves.toMatchObject({ kind: 'crash', cause: BROKEN });
});

it('blames the code under test for what a node throws, and calls what it asserts a broken promise', async () => {
  const broken = vi.spyOn(Core.prototype, 'checkInvariants').mockImplementation(breaks);
  await expect(failureOf()).resolves.toMatchObject({ kind: 'crash', cause: BROKEN });
  broken.mockImplementation(() => {
    throw new AssertionError('of the core');
  });
  await expect(failureOf()).resolves.toMatchObject({ kind: 'safety', oracle: 'assertions' });
});
