import { beforeEach, describe, expect, test } from 'vitest';
import { type StepContext, saga } from '../../src/sagas/index.ts';
import { errorOf } from '../support/error-of.ts';
import { type SagaProcess, SagaWorld } from './saga-world.ts';

let world: SagaWorld;
let one: SagaProcess;
beforeEach(async () => {
  world = await SagaWorld.start();
  one = await world.process();
});

const drive = <Result>(promise: Promise<Result>): Promise<Result> => world.world.drive(promise);

function transfer(run: (context: StepContext<undefined, unknown>) => unknown = () => 'paid') {
  return saga('transfer').step('charge', { run });
}

describe('A database that is closed while a saga runs', () => {
  test('ends the run, and tells the step under way, since others may take the saga over', async () => {
    let signal: AbortSignal | undefined;
    const ended = Promise.withResolvers<string>();
    const definition = transfer((context) => {
      signal = context.signal;
      return ended.promise;
    });
    const run = errorOf(one.sagas.run(definition, '1', undefined));
    await world.world.clock.advance(50);
    expect(signal?.aborted).toBe(false);
    await drive(one.db.close());
    expect(signal?.aborted).toBe(true);
    ended.resolve('paid');
    expect(await drive(run)).toMatchObject({ code: 'HOLDFAST_ABORTED' });
    const other = await world.process();
    expect(await drive(other.sagas.run(transfer(), '1', undefined))).toEqual({ charge: 'paid' });
  });
});

test('A record that cannot be read ends the work on it, and not in endless tries', async () => {
  const definition = transfer();
  await drive(one.sagas.start(definition, '1', undefined));
  const records = one.db.sublevel<string, string>('sagas', { valueEncoding: 'utf8' });
  await drive(records.put('transfer/1', '{'));
  await expect(drive(one.sagas.finish(definition, '1'))).rejects.toMatchObject({
    code: 'LEVEL_DECODE_ERROR',
  });
});
