import { expectTypeOf, test } from 'vitest';
import type {
  BreakerChange,
  ClientEvent,
  Divergence,
  FallbackUse,
  Holdfast,
  HoldfastSublevel,
  PrimaryChange,
  ReadSummary,
  Reconnection,
  StaleRead,
  Topology,
  TransactionSummary,
  WatchDel,
  WatchPut,
  WrittenOperation,
} from '../src/index.ts';

interface User {
  readonly name: string;
}

type Db = Holdfast<string, User>;

/** Never run: the compiler is what judges it. */
type Judged = (db: Db, users: HoldfastSublevel<Db, number, User>) => void;

test('what is read has the type of what was put, in databases and sublevels, and is never `any`', () => {
  const judged: Judged = (db, users) => {
    expectTypeOf(db.get('a')).resolves.toEqualTypeOf<User | undefined>();
    expectTypeOf(users.get(1)).resolves.toEqualTypeOf<User | undefined>();
    expectTypeOf(db.getMany(['a'])).resolves.toEqualTypeOf<(User | undefined)[]>();
    expectTypeOf(db.get<Buffer, Buffer>(Buffer.of(1), { valueEncoding: 'buffer' })).resolves.toEqualTypeOf<
      Buffer | undefined
    >();
    expectTypeOf(db.iterator().all()).resolves.toEqualTypeOf<[string, User][]>();
    expectTypeOf(db.read('a')).resolves.toEqualTypeOf<ReadSummary<User> | undefined>();
    expectTypeOf(db.transaction({ then: [{ type: 'get', key: 'a' }] })).resolves.toEqualTypeOf<
      TransactionSummary<User>
    >();
    expectTypeOf(db.watch().next()).resolves.toEqualTypeOf<
      IteratorResult<WatchPut<string, User> | WatchDel<string, User>, undefined>
    >();
  };
  expectTypeOf(judged).toEqualTypeOf<Judged>();
});

test('listeners know what they are given', () => {
  const judged: Judged = (db, users) => {
    db.on('topology', (topology) => expectTypeOf(topology).toEqualTypeOf<Topology>());
    db.once('primary', (change) => expectTypeOf(change).toEqualTypeOf<PrimaryChange>());
    db.on('disconnected', (nothing) => expectTypeOf(nothing).toEqualTypeOf<Record<string, never>>());
    db.on('reconnected', (back) => expectTypeOf(back).toEqualTypeOf<Reconnection>());
    db.on('breaker', (change) => expectTypeOf(change).toEqualTypeOf<BreakerChange>());
    db.on('degraded', (detail) => expectTypeOf(detail).toEqualTypeOf<StaleRead | FallbackUse>());
    db.on('diverged', (loss) => expectTypeOf(loss).toEqualTypeOf<Divergence>());
    db.on('open', (...none) => expectTypeOf(none).toEqualTypeOf<[]>());
    db.on('write', (operations) => {
      expectTypeOf(operations).toEqualTypeOf<readonly WrittenOperation<string, User>[]>();
      for (const operation of operations)
        if (operation.type === 'put') expectTypeOf(operation.value).toEqualTypeOf<User>();
    });
    users.on('write', ([operation]) => expectTypeOf(operation?.key).toEqualTypeOf<number | undefined>());
    users
      .sublevel('more')
      .once('clear', (options) => expectTypeOf(options.gt).toEqualTypeOf<string | undefined>());
    expectTypeOf(db.events().next()).resolves.toEqualTypeOf<IteratorResult<ClientEvent, undefined>>();
    const told = null as unknown as ClientEvent;
    if (told.event === 'breaker') expectTypeOf(told.detail).toEqualTypeOf<BreakerChange>();
  };
  expectTypeOf(judged).toEqualTypeOf<Judged>();
});

test('what is told or listened to otherwise is refused by the compiler', () => {
  const judged: Judged = (db) => {
    // @ts-expect-error No event of that name.
    db.on('topolgy', () => undefined);
    // @ts-expect-error Of another event.
    db.on('primary', (change: BreakerChange) => change);
    // @ts-expect-error Nothing is told of it.
    db.once('open', (detail: object) => detail);
    // @ts-expect-error No event of that name.
    db.off('dicsonnected', () => undefined);
    // @ts-expect-error Without what its listeners are to be given.
    db.emit('reconnected');
  };
  expectTypeOf(judged).toEqualTypeOf<Judged>();
});

test('what cannot be is refused by the compiler', () => {
  const judged: Judged = (db, users) => {
    // @ts-expect-error A value of another type.
    void db.put('a', { title: 'Ada' });
    // @ts-expect-error A key of another type.
    void users.get('a');
    // @ts-expect-error No level of that name.
    void db.put('a', { name: 'Ada' }, { ack: 'some' });
    // @ts-expect-error Counters are at quorum at least.
    void db.increment('n', 1, { ack: 'local' });
    // @ts-expect-error Transactions as well.
    void db.transaction({ then: [] }, { ack: 'local' });
    // @ts-expect-error A lock has no level.
    void db.lock('job', { ack: 'local' });
    // @ts-expect-error Of a read.
    void db.get('a', { ack: 'all' });
    // @ts-expect-error Of a write.
    void db.put('a', { name: 'Ada' }, { consistency: 'eventual' });
    // @ts-expect-error An increment has no value.
    void db.transaction({ then: [{ type: 'increment', key: 'a', value: '1' }] });
  };
  expectTypeOf(judged).toEqualTypeOf<Judged>();
});
