import { beforeEach, describe, expect, test } from 'vitest';
import { type SagaCallOptions, type Sagas, saga } from '../../src/sagas/index.ts';
import { errorOf } from '../support/error-of.ts';
import { type SagaProcess, SagaWorld, TTL_MS } from './saga-world.ts';

let world: SagaWorld;
let one: SagaProcess;
beforeEach(async () => {
  world = await SagaWorld.start();
  one = await world.process();
});

const noop = saga<undefined>('noop').step('nothing', { run: () => undefined });
const hanging = saga<undefined>('hanging').step('hang', {
  run: () => new Promise(() => undefined),
  timeoutMs: 60_000,
});
const STOP = new Error('enough');

/** Every method that asks the cluster something. */
const METHODS: readonly [string, (sagas: Sagas, options: SagaCallOptions) => Promise<unknown>][] = [
  ['start', (sagas, options) => sagas.start(noop, '1', undefined, options)],
  ['run', (sagas, options) => sagas.run(noop, '1', undefined, options)],
  ['finish', (sagas, options) => sagas.finish(noop, '1', options)],
  ['get', (sagas, options) => sagas.get('noop', '1', options)],
  ['list', (sagas, options) => sagas.list({}, options).next()],
  ['resume', (sagas, options) => sagas.resume('noop', '1', options)],
  ['abort', (sagas, options) => sagas.abort('noop', '1', 'no need', options)],
  ['remove', (sagas, options) => sagas.remove('noop', '1', options)],
];

describe.each(METHODS)('%s', (name, call) => {
  /** Those of abstract-level's iterators are its own. */
  const aborted = name === 'list' ? 'LEVEL_ABORTED' : 'HOLDFAST_ABORTED';

  test('ends at once with its signal', async () => {
    world.world.cluster.elect(undefined);
    await world.world.clock.advance(10);
    const controller = new AbortController();
    world.world.clock.setTimer(50, () => controller.abort(STOP));
    const { ms, error } = await world.world.timed(call(one.sagas, { signal: controller.signal }));
    expect(ms).toBe(50);
    expect(error).toMatchObject({ code: aborted });
  });

  test('ends when its time is over', async () => {
    world.world.cluster.elect(undefined);
    await world.world.clock.advance(10);
    const { ms, error } = await world.world.timed(call(one.sagas, { timeoutMs: 200 }));
    expect(ms).toBeGreaterThanOrEqual(200);
    expect(ms).toBeLessThan(250);
    // One that takes as long as it takes has asked for more than once by then.
    const code = name === 'finish' ? 'HOLDFAST_DEADLINE_EXCEEDED' : 'HOLDFAST_NO_PRIMARY';
    expect(error).toMatchObject({ code });
  });

  test.each([0, -1, Number.NaN, '5'])('refuses %s ms', async (timeoutMs) => {
    const error = await errorOf(
      world.world.drive(call(one.sagas, { timeoutMs } as unknown as SagaCallOptions)),
    );
    expect(error).toMatchObject({ code: 'HOLDFAST_INVALID_ARGUMENT' });
  });
});

test.each([undefined, 500])('only a signal ends a saga, or nothing does: with %s ms', async (timeoutMs) => {
  await world.world.drive(one.sagas.start(noop, '1', undefined));
  const finish = (signal: unknown): Promise<unknown> =>
    world.world.drive(one.sagas.finish(noop, '1', { signal, timeoutMs } as SagaCallOptions));
  expect(await errorOf(finish('stop'))).toMatchObject({ code: 'HOLDFAST_INVALID_ARGUMENT' });
  expect(await finish(null)).toMatchObject({ state: 'completed' });
});

test('work that takes longer than its time ends here, and is gone on with elsewhere', async () => {
  const { error } = await world.world.timed(one.sagas.run(hanging, '1', undefined, { timeoutMs: 500 }));
  expect(error).toMatchObject({ code: 'HOLDFAST_DEADLINE_EXCEEDED', outcome: 'unknown' });
  const other = await world.process();
  const mended = saga<undefined>('hanging').step('hang', { run: () => 'done' });
  expect(await world.world.drive(other.sagas.run(mended, '1', undefined))).toEqual({ hang: 'done' });
});

test('what is given up once its saga is kept is not said to be undone', async () => {
  await world.world.drive(one.sagas.start(noop, '0', undefined));
  // There and back: all of the time.
  const { error } = await world.world.timed(one.sagas.run(noop, '1', undefined, { timeoutMs: 2 }));
  expect(error).toMatchObject({ code: 'HOLDFAST_DEADLINE_EXCEEDED', outcome: 'unknown' });
  const controller = new AbortController();
  const kept = one.sagas.start(noop, '2', undefined).then(() => controller.abort(STOP));
  const aborted = await world.world.timed(one.sagas.run(noop, '2', undefined, { signal: controller.signal }));
  expect(aborted.error).toMatchObject({ code: 'HOLDFAST_ABORTED', outcome: 'unknown' });
  await kept;
  for (const id of ['1', '2'])
    expect(await world.world.drive(one.sagas.get('noop', id))).toMatchObject({ state: 'running' });
});

describe('without a primary', () => {
  const afterMs = (ms: number, work: () => void) => world.world.clock.setTimer(ms, work);
  const isOut = () => world.world.cluster.elect(undefined);

  test('a run ends with its time', async () => {
    afterMs(100, isOut);
    const { ms, error } = await world.world.timed(one.sagas.run(hanging, '1', undefined, { timeoutMs: 200 }));
    expect(error).toMatchObject({ code: 'HOLDFAST_DEADLINE_EXCEEDED', outcome: 'unknown' });
    expect(ms).toBeLessThan(250);
  });

  test('a run ends with its signal, and says so', async () => {
    const controller = new AbortController();
    afterMs(100, isOut);
    afterMs(200, () => controller.abort(STOP));
    const options = { timeoutMs: 1000, signal: controller.signal };
    const { ms, error } = await world.world.timed(one.sagas.run(hanging, '1', undefined, options));
    expect(error).toMatchObject({ code: 'HOLDFAST_ABORTED', outcome: 'unknown' });
    expect(ms).toBe(200);
  });

  test('a worker that looks for sagas, or works on one, stops at once', async () => {
    await world.world.drive(one.sagas.start(hanging, '1', undefined));
    const worker = one.sagas.work([hanging], { scanMs: 10 });
    while (worker.running === 0) await world.world.clock.advance(10);
    isOut();
    await world.world.clock.advance(500);
    const { ms, error } = await world.world.timed(worker.stop());
    expect(error).toBeUndefined();
    expect(ms).toBeLessThan(50);
  });
});

describe('a worker stops at once', () => {
  const never = () => new Promise<never>(() => undefined);
  const refused = Object.assign(new Error('no'), { retryable: false });
  const undoing = saga<undefined>('undoing')
    .step('hang', { run: () => 1, compensate: never, timeoutMs: 60_000 })
    .step('fail', { run: () => Promise.reject(refused) });

  test.each([
    ['step', hanging],
    ['compensation', undoing],
  ] as const)(
    'though a %s heeds no signal and never ends, and another has the saga then',
    async (_, definition) => {
      await world.world.drive(one.sagas.start(definition, '1', undefined));
      const worker = one.sagas.work([definition], { scanMs: 10 });
      await world.world.clock.advance(500);
      expect(worker.running).toBe(1);
      const { ms, error } = await world.world.timed(worker.stop());
      expect(error).toBeUndefined();
      expect(ms).toBeLessThan(50);
      expect(worker.running).toBe(0);
      const two = await world.process();
      const next = two.sagas.work([definition], { scanMs: 10 });
      await world.world.clock.advance(2 * TTL_MS);
      expect(next.running).toBe(1);
      await world.world.drive(next.stop());
    },
  );
});
