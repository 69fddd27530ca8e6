import { LIMITS } from '@holdfast/types';
import { beforeEach, describe, expect, test } from 'vitest';
import type { Holdfast } from '../src/index.ts';
import { World } from './support/world.ts';

let world: World;
let db: Holdfast;
beforeEach(async () => {
  world = await World.start();
  db = await world.opened();
});

describe('transactions', () => {
  test('run one of two branches and tell what each step came to', async () => {
    const transfer = {
      if: [
        { key: 'from', value: '10' },
        { key: 'to', absent: true },
      ],
      then: [
        { type: 'increment', key: 'from', by: -3 },
        { type: 'put', key: 'to', value: '3' },
        { type: 'get', key: 'from' },
        { type: 'get', key: 'missing' },
      ],
      else: [{ type: 'get', key: 'from' }],
    } as const;
    const first = await world.drive(db.transaction(transfer));
    expect(first).toMatchObject({ branch: 'else', repeated: false, ack: 'quorum' });
    expect(first.steps).toEqual([{ type: 'get', value: undefined, revision: 0 }]);
    await world.drive(db.put('from', '10'));
    const { branch, steps, revision } = await world.drive(db.transaction(transfer));
    expect(branch).toBe('then');
    expect(steps).toEqual([
      { type: 'increment', value: 7, revision: revision - 1 },
      { type: 'put', revision },
      { type: 'get', value: '7', revision: revision - 1 },
      { type: 'get', value: undefined, revision: 0 },
    ]);
    expect(db.token()).toBe(revision);
    expect(await world.drive(db.transaction(transfer))).toMatchObject({ branch: 'else' });
  });

  test('compare values, revisions, absence and presence; a key with another value is no error', async () => {
    const { revision } = await world.drive(db.write([{ type: 'put', key: 'a', value: '1' }]));
    const holds = async (condition: object): Promise<boolean> => {
      const one = db.transaction({ if: [{ key: 'a', ...condition } as never] });
      return (await world.drive(one)).branch === 'then';
    };
    expect(await holds({ value: '1' })).toBe(true);
    expect(await holds({ value: '2' })).toBe(false);
    expect(await holds({ revision })).toBe(true);
    expect(await holds({ revision: revision + 1 })).toBe(false);
    expect(await holds({ revision: 0 })).toBe(false);
    expect(await holds({ absent: true })).toBe(false);
    expect(await holds({ absent: false })).toBe(true);
    expect(await holds({ key: 'b', absent: true })).toBe(true);
    expect(await holds({ key: 'b', revision: 0 })).toBe(true);
  });

  test('whose answer is lost with the primary run once, and say so', async () => {
    world.cluster.onWrite = (node) => (node.id === 'n1' ? 'executeAndDrop' : undefined);
    const call = db.transaction({
      if: [{ key: 'once', absent: true }],
      then: [
        { type: 'put', key: 'once', value: 'x' },
        { type: 'increment', key: 'n', by: 5 },
      ],
      else: [{ type: 'increment', key: 'n', by: 100 }],
    });
    await world.clock.advance(20);
    world.kill('n1');
    await world.clock.advance(30);
    world.cluster.elect('n2');
    const { branch, steps, repeated } = await world.drive(call);
    expect({ branch, repeated, sum: steps[1] }).toMatchObject({
      branch: 'then',
      repeated: true,
      sum: { value: 5 },
    });
    expect(await world.drive(db.get('n'))).toBe('5');
  });

  test('are at quorum at least: `local` is refused, and a default of `local` is raised', async () => {
    const then = [{ type: 'put', key: 'a', value: '1' }] as const;
    const { error } = await world.timed(db.transaction({ then }, { ack: 'local' as never }));
    expect(error).toMatchObject({ code: 'HOLDFAST_INVALID_ARGUMENT', outcome: 'not-applied' });
    const local = await world.opened({ ack: 'local' });
    expect(await world.drive(local.transaction({ then }))).toMatchObject({ ack: 'quorum' });
    expect(await world.drive(local.transaction({ then }, { ack: 'all' }))).toMatchObject({ ack: 'all' });
  });

  test('know the encodings of database, sublevel, call, condition and step', async () => {
    const json = db.sublevel<string, { n: number }>('j', { valueEncoding: 'json' });
    const { steps } = await world.drive(
      db.transaction<string, unknown>({
        if: [{ key: 'a', absent: true, sublevel: json }],
        then: [
          { type: 'put', key: 'a', value: { n: 1 }, sublevel: json },
          { type: 'get', key: 'a', sublevel: json },
          { type: 'put', key: '6161', value: 'ff', keyEncoding: 'hex', valueEncoding: 'hex' },
          { type: 'get', key: 'aa', valueEncoding: 'base64' },
        ],
      }),
    );
    expect(steps.map((step) => ('value' in step ? step.value : step.type))).toEqual([
      'put',
      { n: 1 },
      'put',
      '/w==',
    ]);
    expect(await world.drive(json.get('a'))).toEqual({ n: 1 });
    const matched = await world.drive(
      json.transaction({ if: [{ key: 'a', value: { n: 1 } }], then: [{ type: 'get', key: 'a' }] }),
    );
    expect(matched.steps).toMatchObject([{ value: { n: 1 } }]);
    const buffers = await world.drive(
      json.transaction<string, Buffer>({ then: [{ type: 'get', key: 'a' }] }, { valueEncoding: 'buffer' }),
    );
    expect(buffers.steps).toMatchObject([{ value: Buffer.from('{"n":1}') }]);
  });

  test('stay in their sublevel and in their namespace', async () => {
    const outer = await world.opened({ namespace: 'app' });
    const inner = outer.sublevel('a').sublevel('b');
    await world.drive(inner.transaction({ then: [{ type: 'put', key: 'k', value: 'deep' }] }));
    expect(await world.drive(inner.get('k'))).toBe('deep');
    expect(await world.drive(outer.keys().all())).toEqual(['!a!!b!k']);
    expect(await world.drive(db.keys().all())).toEqual([]);
    const other = await world.opened({ namespace: 'other' });
    expect(await world.drive(other.transaction({ if: [{ key: '!a!!b!k', absent: false }] }))).toMatchObject({
      branch: 'else',
    });
  });

  test('made before the database is open wait for it, and one on a closed database is refused', async () => {
    const early = world.client();
    const then = [{ type: 'put', key: 'a', value: '1' }] as const;
    const part = early.sublevel('s');
    await world.drive(Promise.all([early.transaction({ then }), part.transaction({ then })]));
    expect(await world.drive(early.getMany(['a', '!s!a']))).toEqual(['1', '1']);
    await world.drive(early.close());
    await expect(early.transaction({ then })).rejects.toMatchObject({ code: 'LEVEL_DATABASE_NOT_OPEN' });
    await expect(part.transaction({ then })).rejects.toMatchObject({ code: 'LEVEL_DATABASE_NOT_OPEN' });
  });

  test('that ran and met what cannot be decoded say that they were applied', async () => {
    const { error } = await world.timed(
      db.transaction<string, unknown>({
        then: [
          { type: 'put', key: 'a', value: 'word' },
          { type: 'get', key: 'a', valueEncoding: 'json' },
        ],
      }),
    );
    expect(error).toMatchObject({ code: 'LEVEL_DECODE_ERROR', outcome: 'applied', cause: expect.any(Error) });
    expect(await world.drive(db.get('a'))).toBe('word');
    const read = await world.timed(db.read<string, unknown>('a', { valueEncoding: 'json' }));
    expect(read.error).toMatchObject({ code: 'LEVEL_DECODE_ERROR' });
    expect(read.error).not.toHaveProperty('outcome');
  });

  test('tell results of what was asked, whatever becomes of the objects it was asked with', async () => {
    const step = { type: 'put', key: 'a', value: '"x"', valueEncoding: 'utf8' } as Record<string, unknown>;
    const then = [step, { type: 'get', key: 'a', valueEncoding: 'json' }];
    const asked = { then };
    const call = db.transaction(asked as never);
    step.type = 'increment';
    delete then[1]!.valueEncoding;
    then.length = 1;
    asked.then = [];
    expect((await world.drive(call)).steps).toMatchObject([{ type: 'put' }, { type: 'get', value: 'x' }]);
  });

  test.each<[string, unknown, unknown?]>([
    ['nothing', undefined],
    ['no part', {}],
    ['a part that is not known', { if: [], than: [] }],
    ['a list that is none', { then: { type: 'del', key: 'a' } }],
    ['an option that is not known', { then: [{ type: 'del', key: 'a' }] }, { timeout: 5 }],
    ['a time that is none', { then: [{ type: 'del', key: 'a' }] }, { timeoutMs: 0 }],
    ['a signal that is none', { then: [{ type: 'del', key: 'a' }] }, { signal: {} }],
    ['a level that is none', { then: [{ type: 'del', key: 'a' }] }, { ack: 'most' }],
    ['a step of no type', { then: [{ key: 'a' }] }],
    ['a step of another type', { then: [{ type: 'toString', key: 'a' }] }],
    ['a put with a number', { then: [{ type: 'put', key: 'a', value: '1', by: 1 }] }],
    ['half an increment', { else: [{ type: 'increment', key: 'a', by: 0.5 }] }],
    ['a condition on nothing', { if: [{ key: 'a' }] }],
    ['a condition on two things', { if: [{ key: 'a', absent: true, revision: 1 }] }],
    ['a condition mistyped', { if: [{ key: 'a', revison: 1 }] }],
    ['absence that is no boolean', { if: [{ key: 'a', absent: 1 }] }],
    ['a revision that is none', { if: [{ key: 'a', revision: -1 }] }],
  ])('with %s are refused at once', async (_, transaction, options = {}) => {
    const sent = world.cluster.node('n1').frames;
    for (const on of [db, db.sublevel('s')]) {
      const { error } = await world.timed(on.transaction(transaction as never, options as never));
      expect(error).toMatchObject({ code: 'HOLDFAST_INVALID_ARGUMENT', outcome: 'not-applied' });
    }
    expect(world.cluster.node('n1').frames).toBe(sent);
  });

  test('without a key or a value are refused as abstract-level does, and those too large as ever', async () => {
    const code = async (step: object): Promise<unknown> =>
      (await world.timed(db.transaction({ then: [step as never] }))).error;
    expect(await code({ type: 'get' })).toMatchObject({ code: 'LEVEL_INVALID_KEY' });
    expect(await code({ type: 'put', key: 'a' })).toMatchObject({ code: 'LEVEL_INVALID_VALUE' });
    const key = 'x'.repeat(LIMITS.keyBytesMax + 1);
    expect(await code({ type: 'get', key })).toMatchObject({ code: 'HOLDFAST_KEY_TOO_LARGE' });
    const gets = Array.from(
      { length: LIMITS.stepsPerBranchMax + 1 },
      () => ({ type: 'get', key: 'a' }) as const,
    );
    const { error } = await world.timed(db.transaction({ else: gets }));
    expect(error).toMatchObject({ code: 'HOLDFAST_REQUEST_TOO_LARGE' });
  });

  test('end with their signal or their time, and say what is known', async () => {
    world.cluster.onWrite = () => 'drop';
    const controller = new AbortController();
    const then = [{ type: 'del', key: 'a' }] as const;
    const aborted = world.timed(db.transaction({ then }, { signal: controller.signal }));
    await world.clock.advance(20);
    controller.abort();
    expect((await aborted).error).toMatchObject({ code: 'HOLDFAST_ABORTED', outcome: 'unknown' });
    const { ms, error } = await world.timed(db.transaction({ then }, { timeoutMs: 300 }));
    expect(error).toMatchObject({ code: 'HOLDFAST_DEADLINE_EXCEEDED', outcome: 'unknown' });
    expect(ms).toBeLessThanOrEqual(320);
  });
});

describe('updates', () => {
  const plusOne = (value: string | undefined): string => String(Number(value ?? 0) + 1);

  test('replace, make, delete or leave a value', async () => {
    const made = await world.drive(db.update('n', plusOne));
    expect(made).toEqual({ value: '1', revision: db.token(), changed: true, tries: 1 });
    expect(await world.drive(db.update('n', async (value) => `${value}!`))).toMatchObject({ value: '1!' });
    const left = await world.drive(db.update('n', () => undefined));
    expect(left).toEqual({ value: '1!', revision: db.token(), changed: false, tries: 1 });
    expect(await world.drive(db.update('n', () => null))).toMatchObject({ value: undefined, changed: true });
    expect(await world.drive(db.get('n'))).toBeUndefined();
    const gone = await world.drive(db.update('n', () => null));
    expect(gone).toEqual({ value: undefined, revision: 0, changed: false, tries: 1 });
  });

  test('are tried again with the newest value when another write came between', async () => {
    const seen: unknown[] = [];
    const { value, tries } = await world.drive(
      db.update('n', async (before) => {
        seen.push(before);
        if (seen.length <= 3) await db.put('n', `${seen.length * 10}`);
        return plusOne(before);
      }),
    );
    expect(seen).toEqual([undefined, '10', '20', '30']);
    expect({ value, tries }).toEqual({ value: '31', tries: 4 });
  });

  test('of many at once all count, in a sublevel with its encodings, too', async () => {
    const numbers = db.sublevel<string, number>('n', { valueEncoding: 'json' });
    const both = [
      ...Array.from({ length: 20 }, () => db.update('n', plusOne)),
      ...Array.from({ length: 20 }, () => numbers.update('n', (before) => (before ?? 0) + 1)),
    ];
    await world.drive(Promise.all(both as Promise<unknown>[]));
    expect(await world.drive(db.get('n'))).toBe('20');
    expect(await world.drive(numbers.get('n'))).toBe(20);
  });

  test('that never get through end at the deadline, with the conflict as their cause', async () => {
    const interfering = db.update(
      'n',
      async (before) => {
        await db.put('n', plusOne(before));
        return 'mine';
      },
      { timeoutMs: 300 },
    );
    const { ms, error } = await world.timed(interfering);
    expect(error).toMatchObject({ code: 'HOLDFAST_DEADLINE_EXCEEDED', outcome: 'not-applied' });
    expect((error as Error).cause).toMatchObject({ code: 'HOLDFAST_CONFLICT' });
    expect(ms).toBeLessThanOrEqual(320);
  });

  test('end at once with their signal, and in time though the function does not', async () => {
    const controller = new AbortController();
    const never = (): Promise<string> => new Promise(() => undefined);
    const aborted = world.timed(db.update('n', never, { signal: controller.signal }));
    await world.clock.advance(20);
    controller.abort(new Error('enough'));
    const { ms, error } = await aborted;
    expect(error).toMatchObject({
      code: 'HOLDFAST_ABORTED',
      outcome: 'not-applied',
      cause: new Error('enough'),
    });
    expect(ms).toBeLessThanOrEqual(20);
    const late = await world.timed(db.update('n', never, { timeoutMs: 200 }));
    expect(late.error).toMatchObject({ code: 'HOLDFAST_DEADLINE_EXCEEDED', outcome: 'not-applied' });
    expect(late.ms).toBeLessThanOrEqual(200);
  });

  test('pass on what the function throws, and what is no conflict', async () => {
    const thrown = world.timed(
      db.update('n', () => {
        throw new RangeError('no');
      }),
    );
    expect((await thrown).error).toEqual(new RangeError('no'));
    world.cluster.onWrite = () => 'drop';
    const { error } = await world.timed(db.update('n', plusOne, { timeoutMs: 200 }));
    expect(error).toMatchObject({ code: 'HOLDFAST_DEADLINE_EXCEEDED', outcome: 'unknown' });
  });

  test('whose function fails once they are over leave no rejection unheard', async () => {
    const unheard: unknown[] = [];
    const listener = (reason: unknown): unknown => unheard.push(reason);
    process.on('unhandledRejection', listener);
    try {
      const controller = new AbortController();
      const failing = async (): Promise<string> => {
        controller.abort(new Error('enough'));
        throw new RangeError('too late');
      };
      const { error } = await world.timed(db.update('n', failing, { signal: controller.signal }));
      expect(error).toMatchObject({ code: 'HOLDFAST_ABORTED', outcome: 'not-applied' });
      // Told of after a turn in which nobody has listened.
      await new Promise((resolve) => setImmediate(resolve));
      expect(unheard).toEqual([]);
    } finally {
      process.off('unhandledRejection', listener);
    }
  });

  test('refuse arguments that are none, and `local`', async () => {
    for (const call of [
      () => db.update('n', 'x' as never),
      () => db.update('n', plusOne, { ack: 'local' as never }),
      () => db.update('n', plusOne, { retries: 5 } as never),
      () => db.update('n', plusOne, { timeoutMs: -1 }),
      () => db.update('n', plusOne, { signal: {} as never }),
    ]) {
      expect((await world.timed(call())).error).toMatchObject({ code: 'HOLDFAST_INVALID_ARGUMENT' });
    }
    expect((await world.timed(db.update(null as never, plusOne))).error).toMatchObject({
      code: 'LEVEL_INVALID_KEY',
    });
  });
});

describe('sublevels', () => {
  test('have write, read and increment, with their keys and encodings', async () => {
    const part = db.sublevel<string, { n: number }>('p', { valueEncoding: 'json' });
    const { revision } = await world.drive(
      part.write([{ type: 'put', key: 'a', value: { n: 1 } }], { ifAbsent: true }),
    );
    expect(await world.drive(part.read('a'))).toMatchObject({ value: { n: 1 }, revision });
    expect(await world.drive(part.increment('c', 2))).toMatchObject({ value: 2 });
    expect(await world.drive(db.getMany(['!p!a', '!p!c']))).toEqual(['{"n":1}', '2']);
    const stale = part.write([{ type: 'del', key: 'a' }], { conditions: [{ key: 'c', revision }] });
    expect((await world.timed(stale)).error).toMatchObject({ code: 'HOLDFAST_CONFLICT' });
    expect(part.supports.additionalMethods).toMatchObject({ transaction: true, update: true });
  });
});
