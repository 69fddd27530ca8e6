import type { HoldfastError } from '@holdfast/types';
import { expect, test } from 'vitest';
import { Sagas, saga } from '../../src/sagas/index.ts';
import { errorOf } from '../support/error-of.ts';
import { SagaWorld } from './saga-world.ts';

test('definitions, ids and options are checked', async () => {
  const world = await SagaWorld.start();
  const one = await world.process();
  const drive = <Result>(promise: Promise<Result>): Promise<Result> => world.world.drive(promise);
  const codeOf = (build: () => unknown): unknown => {
    try {
      return build();
    } catch (error) {
      return (error as HoldfastError).code;
    }
  };
  const invalid = 'HOLDFAST_INVALID_ARGUMENT';
  expect(codeOf(() => saga('a/b'))).toBe(invalid);
  expect(codeOf(() => saga('a').step('x', { run: 1 as never }))).toBe(invalid);
  expect(codeOf(() => saga('a').step('x', { run: () => 1, timeoutMs: 0 }))).toBe(invalid);
  expect(codeOf(() => saga('a').step('x', { run: () => 1, compenstate: () => 1 } as never))).toBe(invalid);
  expect(codeOf(() => one.sagas.work([], { concurency: 1 } as never))).toBe(invalid);
  expect(codeOf(() => new Sagas(one.db, { retention: 1 } as never))).toBe(invalid);
  const mistyped = { timeout: 5 } as never;
  const listed = (filter: object, options = {}) => one.sagas.list(filter as never, options).next();
  const twice = saga('a').step('x', { run: () => 1 });
  const calls: (() => Promise<unknown>)[] = [
    () => one.sagas.start(twice, '1', undefined, mistyped),
    () => one.sagas.run(twice, '1', undefined, mistyped),
    () => one.sagas.finish(twice, '1', mistyped),
    () => one.sagas.get('a', '1', mistyped),
    () => one.sagas.resume('a', '1', mistyped),
    () => one.sagas.abort('a', '1', 'why', mistyped),
    () => one.sagas.remove('a', '1', mistyped),
    () => listed({}, mistyped),
    () => listed({ kind: 'a' }),
  ];
  for (const call of calls) expect((await errorOf(drive(call()))).code).toBe(invalid);
  expect(codeOf(() => twice.step('x', { run: () => 1 }))).toBe(invalid);
  expect((await errorOf(drive(one.sagas.run(twice, '', undefined)))).code).toBe(invalid);
  expect((await errorOf(drive(one.sagas.run(saga('empty'), '1', undefined)))).code).toBe(invalid);
});
