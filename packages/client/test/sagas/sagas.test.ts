import { type HoldfastError, LIMITS } from '@holdfast/types';
import { AbstractSublevel } from 'abstract-level';
import { beforeEach, describe, expect, test, vi } from 'vitest';
import { type SagaRecord, Sagas, type StepContext, saga } from '../../src/sagas/index.ts';
import { TENURES_MAX } from '../../src/sagas/saga-record.ts';
import { errorOf } from '../support/error-of.ts';
import { type SagaProcess, SagaWorld, TTL_MS } from './saga-world.ts';

let world: SagaWorld;
let one: SagaProcess;
let log: string[];
beforeEach(async () => {
  world = await SagaWorld.start();
  one = await world.process();
  log = [];
});

const drive = <Result>(promise: Promise<Result>): Promise<Result> => world.world.drive(promise);

function refusal(message: string): Error {
  return Object.assign(new Error(message), { retryable: false, code: 'CARD_DECLINED' });
}

/** Three steps that write down what is done; `charge` as told. */
function order(charge: (context: StepContext<{ amount: number }, unknown>) => unknown = () => 'paid') {
  return saga<{ amount: number }>('order')
    .step('reserve', {
      run: ({ input }) => {
        log.push(`reserve ${input.amount}`);
        return { seat: 7 };
      },
      compensate: ({ result }) => void log.push(`release ${result?.seat}`),
    })
    .step('charge', {
      run: async (context) => {
        log.push(`charge for seat ${context.results.reserve.seat}`);
        return await charge(context);
      },
      compensate: ({ result, key }) => void log.push(`refund ${String(result)} ${key}`),
      attemptsMax: 3,
      timeoutMs: 1000,
    })
    .step('ship', { run: () => void log.push('ship') });
}

describe('a saga', () => {
  test('runs its steps, each knowing the results of those before', async () => {
    const results = await drive(one.sagas.run(order(), '1', { amount: 30 }));
    expect(results).toEqual({ reserve: { seat: 7 }, charge: 'paid', ship: undefined });
    expect(log).toEqual(['reserve 30', 'charge for seat 7', 'ship']);
    expect(await drive(one.sagas.get('order', '1'))).toMatchObject({ state: 'completed', moves: 4 });
  });

  test('is run once however often it is started, and refuses another input', async () => {
    const definition = order();
    const both = [0, 1].map(() => one.sagas.run(definition, '1', { amount: 30 }));
    const other = (await world.process()).sagas.run(definition, '1', { amount: 30 });
    const all = await drive(Promise.all([...both, other]));
    expect(all[0]).toEqual(all[2]);
    expect(log).toEqual(['reserve 30', 'charge for seat 7', 'ship']);
    expect((await errorOf(drive(one.sagas.run(definition, '1', { amount: 31 })))).code).toBe(
      'HOLDFAST_SAGA_EXISTS',
    );
  });

  test('is taken back when a step fails for good: that step first, then those before it', async () => {
    const definition = order(() => {
      throw refusal('no funds');
    });
    const error = await errorOf(drive(one.sagas.run(definition, '1', { amount: 30 })));
    expect(error).toMatchObject({ code: 'HOLDFAST_SAGA_COMPENSATED', outcome: 'not-applied' });
    expect(error.cause).toEqual({ step: 'charge', message: 'no funds', code: 'CARD_DECLINED' });
    expect(log).toEqual([
      'reserve 30',
      'charge for seat 7',
      expect.stringMatching(/^refund undefined order\/1#[0-9a-f]{16}\/charge\/undo$/),
      'release 7',
    ]);
    // The same again tells the same.
    expect((await errorOf(drive(one.sagas.run(definition, '1', { amount: 30 })))).code).toBe(
      'HOLDFAST_SAGA_COMPENSATED',
    );
    expect(log).toHaveLength(4);
  });

  test('repeats a step that fails for now, under the same key, with growing pauses', async () => {
    const seen: [number, string][] = [];
    const definition = order(({ attempt, key }) => {
      seen.push([attempt, key]);
      if (attempt < 3) throw new Error('busy');
      return 'paid';
    });
    await drive(one.sagas.run(definition, '1', { amount: 30 }));
    const key = expect.stringMatching(/^order\/1#[0-9a-f]{16}\/charge$/);
    expect(seen).toEqual([1, 2, 3].map((attempt) => [attempt, key]));
    expect(new Set(seen.map(([, name]) => name)).size).toBe(1);
  });

  test('gives an attempt its time, tells it by its signal, and does not wait for it', async () => {
    const signals: AbortSignal[] = [];
    const definition = order(({ signal }) => {
      signals.push(signal);
      return new Promise(() => undefined);
    });
    const { ms, error } = await world.world.timed(one.sagas.run(definition, '1', { amount: 30 }));
    expect(error).toMatchObject({ code: 'HOLDFAST_SAGA_COMPENSATED' });
    expect((error as Error).cause).toMatchObject({ step: 'charge', code: 'HOLDFAST_DEADLINE_EXCEEDED' });
    expect(signals.map(({ aborted }) => aborted)).toEqual([true, true, true]);
    expect(ms).toBeGreaterThanOrEqual(3000);
    expect(ms).toBeLessThan(3500);
  });

  test('is taken back when a result does not fit into its record', async () => {
    const definition = order(() => 'x'.repeat(LIMITS.valueBytesMax));
    const error = await errorOf(drive(one.sagas.run(definition, '1', { amount: 30 })));
    expect(error.cause).toMatchObject({ step: 'charge', code: 'HOLDFAST_VALUE_TOO_LARGE' });
    expect(log.at(-1)).toBe('release 7');
  });

  test('is stuck when a compensation fails for good, and goes on when resumed', async () => {
    let isBroken = true;
    const definition = saga('order')
      .step('a', {
        run: () => 1,
        compensate: () => {
          if (isBroken) throw refusal('gone');
          log.push('undo a');
        },
      })
      .step('b', {
        run: () => {
          throw refusal('no');
        },
      });
    const error = await errorOf(drive(one.sagas.run(definition, '1', undefined)));
    expect(error).toMatchObject({ code: 'HOLDFAST_SAGA_STUCK', cause: { step: 'a', message: 'gone' } });
    isBroken = false;
    expect(await drive(one.sagas.resume('order', '1'))).toBe(true);
    expect(await drive(one.sagas.resume('order', '1'))).toBe(false);
    expect((await drive(one.sagas.finish(definition, '1'))).state).toBe('compensated');
    expect(log).toEqual(['undo a']);
  });

  test('turns after the step under way when an abort is ordered, and keeps its result', async () => {
    const reached = Promise.withResolvers<void>();
    const go = Promise.withResolvers<string>();
    const definition = order(() => {
      reached.resolve();
      return go.promise;
    });
    const run = errorOf(drive(one.sagas.run(definition, '1', { amount: 30 })));
    await drive(reached.promise);
    const two = await world.process();
    expect(await drive(two.sagas.abort('order', '1', 'changed my mind'))).toBe(true);
    expect(await drive(two.sagas.abort('order', '1'))).toBe(false);
    go.resolve('paid');
    expect((await run).cause).toEqual({ message: 'changed my mind' });
    const refund = expect.stringMatching(/^refund paid order\/1#[0-9a-f]{16}\/charge\/undo$/);
    expect(log).toEqual(['reserve 30', 'charge for seat 7', refund, 'release 7']);
  });
});

describe('a saga whose process ends', () => {
  test('is taken over at the step that was under way, with a greater token', async () => {
    const tokens: number[] = [];
    const keys: string[] = [];
    const reached = Promise.withResolvers<void>();
    const definition = order(({ token, key }) => {
      tokens.push(token);
      keys.push(key);
      if (tokens.length > 1) return 'paid';
      reached.resolve();
      return new Promise(() => undefined);
    });
    const first = errorOf(drive(one.sagas.run(definition, '1', { amount: 30 })));
    await drive(reached.promise);
    one.freeze();
    const two = await world.process();
    const { ms } = await world.world.timed(two.sagas.run(definition, '1', { amount: 30 }));
    // Counted from when it was last renewed.
    expect(ms).toBeGreaterThanOrEqual((2 / 3) * TTL_MS);
    expect(ms).toBeLessThan(3 * TTL_MS);
    one.thaw();
    expect((await first).code).toBe('HOLDFAST_ABORTED');
    expect(log).toEqual(['reserve 30', 'charge for seat 7', 'charge for seat 7', 'ship']);
    expect(new Set(keys).size).toBe(1);
    expect(tokens[1]).toBeGreaterThan(tokens[0]!);
  });

  test('is failed when its step ends every process that tries it', async () => {
    const definition = order(() => new Promise(() => undefined));
    let state: SagaRecord['state'] | undefined;
    for (let life = 0; life <= TENURES_MAX; life++) {
      const process = await world.process();
      void process.sagas.run(definition, '1', { amount: 30 }).catch(() => undefined);
      await world.world.clock.advance(3 * TTL_MS);
      state = (await drive(process.sagas.get('order', '1')))!.state;
      process.freeze();
    }
    expect(state).toBe('compensated');
    expect(log.at(-1)).toBe('release 7');
  });

  test('is not continued by a definition with other steps', async () => {
    await drive(one.sagas.start(order(), '1', { amount: 30 }));
    const other = saga<{ amount: number }>('order').step('charge', { run: () => 1 });
    const error = await errorOf(drive(one.sagas.run(other, '1', { amount: 30 })));
    expect(error.code).toBe('HOLDFAST_INVALID_ARGUMENT');
    expect((await drive(one.sagas.get('order', '1')))!.moves).toBe(0);
  });

  test('leaves nothing applied by a step that comes late, after its compensation', async () => {
    const thawed = Promise.withResolvers<void>();
    let runs = 0;
    const definition = saga('transfer').step('credit', {
      run: async ({ once }) => {
        runs += 1;
        if (runs > 1) throw refusal('closed');
        await thawed.promise;
        await once(one.db, [{ type: 'increment', key: 'account', by: 5 }]);
      },
      compensate: async ({ once }) => {
        const applied = await once(two.db, [{ type: 'increment', key: 'account', by: -5 }]);
        log.push(String(applied));
      },
    });
    const two = await world.process();
    const first = errorOf(drive(one.sagas.run(definition, '1', undefined)));
    await world.world.clock.advance(100);
    one.freeze();
    expect((await errorOf(drive(two.sagas.run(definition, '1', undefined)))).code).toBe(
      'HOLDFAST_SAGA_COMPENSATED',
    );
    // It goes on before its timers tell it that its time is over.
    thawed.resolve();
    await world.world.clock.advance(50);
    expect(await drive(one.db.get('account'))).toBeUndefined();
    one.thaw();
    expect((await first).code).toBe('HOLDFAST_ABORTED');
    expect(log).toEqual(['undefined']);
    expect(await drive(one.db.get('account'))).toBeUndefined();
  });
});

describe('once', () => {
  test('applies the operations of a step once, and takes them back once', async () => {
    const seen: unknown[] = [];
    const definition = saga('transfer')
      .step('credit', {
        run: async ({ once }) => {
          for (let time = 0; time < 3; time++)
            seen.push(await once(one.db, [{ type: 'increment', key: 'account', by: 5 }]));
          return Number(await one.db.get('account'));
        },
        compensate: async ({ once, result }) => {
          expect(result).toBe(5);
          for (let time = 0; time < 3; time++)
            seen.push(await once(one.db, [{ type: 'increment', key: 'account', by: -5 }]));
        },
      })
      .step('fail', {
        run: () => {
          throw refusal('no');
        },
      });
    await errorOf(drive(one.sagas.run(definition, '1', undefined)));
    const now = (value: number): unknown => [expect.objectContaining({ type: 'increment', value })];
    expect(seen).toEqual([now(5), undefined, undefined, now(0), undefined, undefined]);
    expect(await drive(one.db.get('account'))).toBe('0');
  });

  test('leaves one sublevel in its database however often it is used, also after that was closed', async () => {
    const attached = vi.spyOn(one.db, 'attachResource');
    const definition = saga('transfer').step('credit', {
      run: ({ once }) => once(one.db, [{ type: 'increment', key: 'account', by: 5 }]),
    });
    const sublevels = (): number =>
      attached.mock.calls.filter(([resource]) => resource instanceof AbstractSublevel).length;
    await drive(one.sagas.run(definition, '1', undefined));
    const first = sublevels();
    for (const id of ['2', '3']) await drive(one.sagas.run(definition, id, undefined));
    expect(sublevels()).toBe(first);
    await drive(one.db.close());
    await drive(one.db.open());
    const again = new Sagas(one.db, { seams: one.seams, ttlMs: TTL_MS });
    await drive(again.run(definition, '4', undefined));
    expect(await drive(one.db.get('account'))).toBe('20');
  });
});

describe('retention', () => {
  const retentionMs = 60_000;
  const retained = (): Sagas => new Sagas(one.db, { seams: one.seams, ttlMs: TTL_MS, retentionMs });
  const credit = (after: () => unknown) =>
    saga('transfer').step('credit', {
      run: async ({ once }) => {
        await once(one.db, [{ type: 'increment', key: 'account', by: 5 }]);
        return after();
      },
      compensate: ({ once }) => once(one.db, [{ type: 'increment', key: 'account', by: -5 }]),
    });
  const pass = async (ms: number): Promise<void> => {
    await world.world.clock.advance(ms);
  };

  test('keeps a saga that has ended for its time; after that its id begins another, which does all anew', async () => {
    const sagas = retained();
    const definition = credit(() => 'done');
    await drive(sagas.run(definition, '1', undefined));
    await pass(retentionMs - 1000);
    await drive(sagas.run(definition, '1', undefined));
    expect(await drive(one.db.get('account'))).toBe('5');
    await pass(2000);
    expect(await drive(sagas.get('transfer', '1'))).toBeUndefined();
    // The marks of the first are still there, and are none of this one's.
    await drive(sagas.run(definition, '1', undefined));
    expect(await drive(one.db.get('account'))).toBe('10');
    expect(await drive(one.db.sublevel('saga-marks').keys().all())).toHaveLength(2);
  });

  test('keeps one that is taken back for its time, and one that is stuck until it is resumed', async () => {
    const sagas = retained();
    const refused = credit(() => {
      throw refusal('no');
    });
    expect((await errorOf(drive(sagas.run(refused, '1', undefined)))).code).toBe('HOLDFAST_SAGA_COMPENSATED');
    let isMended = false;
    const stuck = saga('stuck').step('x', {
      run: () => {
        throw refusal('no');
      },
      compensate: () => {
        if (!isMended) throw refusal('not yet');
      },
    });
    expect((await errorOf(drive(sagas.run(stuck, '1', undefined)))).code).toBe('HOLDFAST_SAGA_STUCK');
    await pass(retentionMs * 2);
    expect(await drive(sagas.get('transfer', '1'))).toBeUndefined();
    expect(await drive(sagas.get('stuck', '1'))).toMatchObject({ state: 'stuck' });
    isMended = true;
    expect(await drive(sagas.resume('stuck', '1'))).toBe(true);
    expect((await errorOf(drive(sagas.run(stuck, '1', undefined)))).code).toBe('HOLDFAST_SAGA_COMPENSATED');
    await pass(retentionMs + 1000);
    expect(await drive(sagas.get('stuck', '1'))).toBeUndefined();
  });

  test('never takes a mark from a saga that nobody worked on for long', async () => {
    const sagas = retained();
    const stop = new AbortController();
    let isFirst = true;
    const definition = credit(() => {
      if (!isFirst) return 'done';
      isFirst = false;
      // The step was applied, and its process ends before that is kept.
      stop.abort();
      return new Promise(() => undefined);
    });
    expect((await errorOf(drive(sagas.run(definition, '1', undefined, { signal: stop.signal })))).code).toBe(
      'HOLDFAST_ABORTED',
    );
    await pass(retentionMs * 3);
    expect(await drive(sagas.run(definition, '1', undefined))).toEqual({ credit: 'done' });
    expect(await drive(one.db.get('account'))).toBe('5');
  });

  test('is for ever on request, and otherwise a time that is of use', async () => {
    const sagas = new Sagas(one.db, {
      seams: one.seams,
      ttlMs: TTL_MS,
      retentionMs: Number.POSITIVE_INFINITY,
    });
    await drive(
      sagas.run(
        credit(() => 'done'),
        '1',
        undefined,
      ),
    );
    const records = one.db.sublevel('sagas');
    expect(await drive(records.ttl('transfer/1'))).toBe(Number.POSITIVE_INFINITY);
    await drive(
      one.sagas.run(
        credit(() => 'done'),
        '2',
        undefined,
      ),
    );
    expect(await drive(records.ttl('transfer/2'))).toBe(7 * 86_400_000);
    for (const wrong of [59_999, 0, -1, 60_000.5, Number.NaN, Number.MAX_SAFE_INTEGER]) {
      expect(() => new Sagas(one.db, { retentionMs: wrong })).toThrow(
        expect.objectContaining({ code: 'HOLDFAST_INVALID_ARGUMENT' }),
      );
    }
  });
});

describe('a worker', () => {
  test('finds what no process works on, a bounded number at a time, and stops', async () => {
    let running = 0;
    let most = 0;
    const definition = saga<number>('job').step('work', {
      run: async ({ input, signal }) => {
        running += 1;
        most = Math.max(most, running);
        await new Promise<void>((resolve) => {
          const timer = world.world.clock.setTimer(100, resolve);
          signal.addEventListener('abort', () => timer.cancel());
        });
        running -= 1;
        log.push(`job ${input}`);
      },
    });
    for (let job = 0; job < 7; job++) await drive(one.sagas.start(definition, `${job}`, job));
    const two = await world.process();
    const worker = two.sagas.work([definition], { concurrency: 3, scanMs: 500 });
    await world.world.clock.advance(2000);
    expect(log.toSorted()).toEqual([0, 1, 2, 3, 4, 5, 6].map((job) => `job ${job}`));
    expect(most).toBe(3);
    expect(worker.running).toBe(0);
    await drive(worker.stop());
    await drive(one.sagas.start(definition, '7', 7));
    await world.world.clock.advance(3000);
    expect(log).toHaveLength(7);
  });

  test('leaves what another works on, and says what it cannot run', async () => {
    const errors: [string, string | undefined][] = [];
    const hanging = order(() => new Promise(() => undefined));
    const stop = new AbortController();
    const run = one.sagas.run(hanging, '1', { amount: 30 }, { signal: stop.signal }).catch(() => undefined);
    await world.world.clock.advance(100);
    const two = await world.process();
    await drive(two.sagas.start(saga<number>('strange').step('x', { run: () => 1 }), '1', 1));
    const worker = two.sagas.work([order(), saga<number>('strange').step('y', { run: () => 1 })], {
      scanMs: 200,
      onError: (error, at) => errors.push([(error as HoldfastError).code, at?.type]),
    });
    await world.world.clock.advance(800);
    await drive(worker.stop());
    expect(new Set(errors.map(String))).toEqual(new Set(['HOLDFAST_INVALID_ARGUMENT,strange']));
    expect(log).toEqual(['reserve 30', 'charge for seat 7']);
    stop.abort();
    await drive(run);
  });
});

describe('what is kept of sagas', () => {
  test('is listed by type and state, and forgotten on request when they are over', async () => {
    const nothing = saga<number>('a').step('x', { run: () => 1 });
    await drive(one.sagas.run(nothing, '2', 1));
    await drive(one.sagas.start(nothing, '1', 1));
    await drive(one.sagas.start(saga<number>('ab').step('x', { run: () => 1 }), 'c/d', 1));
    const listed = async (filter: object): Promise<string[]> => {
      const all = async (): Promise<string[]> => {
        const names: string[] = [];
        for await (const { type, id, state } of one.sagas.list(filter)) names.push(`${type}:${id} ${state}`);
        return names;
      };
      return await drive(all());
    };
    expect(await listed({})).toEqual(['a:1 running', 'a:2 completed', 'ab:c/d running']);
    expect(await listed({ type: 'a' })).toEqual(['a:1 running', 'a:2 completed']);
    expect(await listed({ type: 'a', state: 'completed' })).toEqual(['a:2 completed']);
    expect(await drive(one.sagas.remove('a', '1'))).toBe(false);
    expect(await drive(one.sagas.remove('a', '2'))).toBe(true);
    expect(await listed({})).toEqual(['a:1 running', 'ab:c/d running']);
    expect((await errorOf(drive(one.sagas.remove('a', '2')))).code).toBe('HOLDFAST_SAGA_NOT_FOUND');
  });
});
