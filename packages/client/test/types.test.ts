import { expectTypeOf, test } from 'vitest';
import type {
  Holdfast,
  HoldfastSublevel,
  ReadSummary,
  TransactionSummary,
  WatchDel,
  WatchPut,
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
