import { tmpdir } from 'node:os';
import type { CoreApi, Effect, Input, Notice, PersistOrder, RecoveredLog } from '@holdfast/core';
import { NodeDisk, SystemClock } from '@holdfast/io';
import type { DivergenceFile } from '@holdfast/store';
import {
  DiskError,
  HoldfastError,
  type LogIndex,
  logIndex,
  type NodeId,
  nodeId,
  revision,
  type StoreState,
  type Ticket,
  term,
  ticket,
} from '@holdfast/types';
import type { Wal } from '@holdfast/wal';
import { expect, test } from 'vitest';
import type { Corruption } from '../../src/driver/corruption.ts';
import { DatabaseDriver } from '../../src/driver/database-driver.ts';
import type { DriverPorts } from '../../src/driver/driver-ports.ts';
import { DRIVER_TUNING } from '../../src/driver/driver-tuning.ts';
import type { StoreSlot } from '../../src/driver/store-slot.ts';
import { LogTraces } from '../../src/tracing/log-traces.ts';

const NOWHERE = { index: logIndex(0), term: term(0) };
const RECOVERED: RecoveredLog = {
  hardState: { term: term(0) },
  commitFloor: logIndex(0),
  ticket: ticket(0),
  base: NOWHERE,
  first: logIndex(1),
  last: NOWHERE,
  lastRevision: 0 as never,
  lastLogTime: 0,
  termRuns: [],
  superseded: [],
  holes: [],
};

/** A core that answers each input as the test says, and holds the driver to its contract. */
class ScriptedCore implements CoreApi {
  applyAwaited = true;
  readonly inputs: Input[] = [];
  readonly #answer: (input: Input) => readonly Effect[];
  #stepping = false;

  constructor(answer: (input: Input) => readonly Effect[]) {
    this.#answer = answer;
  }

  step(input: Input): readonly Effect[] {
    expect(this.#stepping).toBe(false);
    this.#stepping = true;
    this.inputs.push(input);
    const effects = this.#answer(input);
    this.#stepping = false;
    return effects;
  }

  get standing(): never {
    throw new Error('not asked for');
  }

  status(): never {
    throw new Error('not asked for');
  }

  retainFrom(): LogIndex {
    return logIndex(1);
  }

  sequenceKind(): never {
    throw new Error('not asked for');
  }

  checkInvariants(): void {}
}

function send(to: string, of: number): Effect {
  return { kind: 'send', to: nodeId(to), message: { kind: 'higherTerm', term: term(of) } };
}

function persist(number: number): Effect {
  const order: PersistOrder = {
    ticket: ticket(number),
    record: { kind: 'entries', entries: [] },
    hardState: { term: term(1) },
    commitFloor: logIndex(0),
    last: NOWHERE,
  };
  return { kind: 'persist', order };
}

function drive(
  answer: (input: Input) => readonly Effect[],
  divergence: Partial<DivergenceFile> = {},
  slot: Partial<Pick<StoreSlot, 'replace' | 'discard'>> = {},
): {
  readonly driver: DatabaseDriver;
  readonly core: ScriptedCore;
  readonly done: string[];
  readonly failures: Error[];
} {
  const core = new ScriptedCore(answer);
  const done: string[] = [];
  const failures: Error[] = [];
  const wal = {
    stats: { segments: 1, bytes: 0, syncs: 0, frames: 0 },
    append: (order: PersistOrder): void => {
      done.push(`persist ${order.ticket}`);
    },
    directory: '/wal',
    read: async (): Promise<never> => {
      throw new HoldfastError('HOLDFAST_CORRUPT_LOG', 'entry 3 is damaged');
    },
    judged: (): void => {
      done.push('judged');
    },
    close: async (): Promise<void> => {
      throw new DiskError('EIO', 'wal', 'a segment cannot be closed');
    },
  };
  const store = {
    get: (keys: readonly Uint8Array[], bytesMax: number) => {
      done.push(`get ${keys.length} keys, ${bytesMax} bytes`);
      return { records: [undefined], revision: 0 };
    },
    /** The second time there is none. */
    findOld: async ({ range }: Extract<Effect, { kind: 'findOld' }>): Promise<{ keys: Uint8Array[] }> => {
      done.push(`find up to ${range.upTo}`);
      if (done.length > 1) throw new HoldfastError('HOLDFAST_NOT_READY', 'the store is reopening');
      return { keys: [] };
    },
    apply: ({ applied }: Extract<Effect, { kind: 'apply' }>): Promise<never> => {
      done.push(`apply ${applied.index}`);
      return new Promise(() => {});
    },
  };
  const ports = {
    notice: ({ kind }: Notice): void => {
      done.push(`notice ${kind}`);
    },
    send: (to: NodeId): void => {
      done.push(`send ${to}`);
    },
    snapshotSettled: (_directory: string, taken: boolean): void => {
      done.push(taken ? 'taken' : 'not taken');
    },
    storeReplaced: async (): Promise<void> => {},
    corrupted: ({ what, where, reason }: Corruption): void => {
      done.push(`${what} in ${where}: ${reason}`);
    },
    failed: (error: Error): void => {
      failures.push(error);
    },
  };
  const driver = new DatabaseDriver({
    name: 'default',
    core,
    wal: wal as unknown as Wal,
    slot: {
      store,
      recovered: { state: { checkpoint: NOWHERE, applied: NOWHERE, revision: 0 } },
      close: async () => {
        done.push('store closed');
      },
      ...slot,
    } as unknown as StoreSlot,
    divergence: divergence as DivergenceFile,
    recovered: RECOVERED,
    logIsFull: false,
    disk: new NodeDisk(),
    directory: tmpdir(),
    clock: new SystemClock(),
    tuning: { ...DRIVER_TUNING, diskCheckMs: 1, reopenBytesMin: 1 },
    recentBytesMax: 1000,
    ports: ports as unknown as DriverPorts,
    traces: new LogTraces('n1' as NodeId),
  });
  return { driver, core, done, failures };
}

const CLOSED: Input = { kind: 'connectionClosed', connection: 1 };

const INSTALL: Effect = { kind: 'install', directory: 'store-2', state: {} as StoreState };

const APPLY: Effect = {
  kind: 'apply',
  entries: [],
  sessions: [],
  closedSessions: [],
  history: [],
  applied: { index: logIndex(5), term: term(1) },
  revision: revision(1),
  logTime: 0,
};

test('effects are performed in order; what arises meanwhile is stepped after all of them', () => {
  const { driver, core, done } = drive((input) => {
    if (input.kind === 'connectionClosed')
      return [{ kind: 'fetch', id: 7, keys: [new Uint8Array(1)], bytesMax: 99 }, persist(1), send('n2', 1)];
    if (input.kind === 'fetched') return [send('n3', 1)];
    return [];
  });
  driver.input(CLOSED);
  expect(core.inputs.map(({ kind }) => kind)).toEqual(['connectionClosed', 'fetched']);
  expect(done).toEqual(['get 1 keys, 99 bytes', 'persist 1', 'send n2', 'send n3']);
});

test('the keys of a range come later; a store that cannot be read is told so', async () => {
  const range = { reverse: false, limit: -1, upTo: revision(9) };
  const look: Effect = {
    kind: 'findOld',
    id: 7,
    range,
    keysMax: 1,
    keyBytesMax: 2,
    readBytesMax: 3,
  };
  const { driver, core, done, failures } = drive((input) =>
    input.kind === 'connectionClosed' ? [look] : [],
  );
  driver.input(CLOSED);
  driver.input(CLOSED);
  await expect.poll(() => core.inputs.length).toBe(4);
  expect(core.inputs.slice(2)).toEqual([
    { kind: 'oldFound', id: 7, found: { keys: [] } },
    { kind: 'oldFound', id: 7, found: undefined },
  ]);
  expect([done, failures]).toEqual([['find up to 9', 'find up to 9'], []]);
});

test('a batch that nobody waits for is applied at the next tick, or as soon as somebody does', () => {
  for (const waker of ['tick', 'reader'] as const) {
    const { driver, core, done } = drive((input) => (input.kind === 'persisted' ? [APPLY] : []));
    core.applyAwaited = false;
    driver.input({ kind: 'persisted', ticket: 1 as Ticket });
    driver.input(CLOSED);
    expect(done).toEqual([]);
    core.applyAwaited = waker === 'reader';
    driver.input(waker === 'tick' ? { kind: 'tick' } : CLOSED);
    expect(done).toEqual(['apply 5']);
    driver.input({ kind: 'tick' });
    expect(done).toEqual(['apply 5']);
  }
});

test('a suspicion is followed by a tick: the best successor need not wait for one', () => {
  const { driver, core, done } = drive((input) =>
    input.kind === 'linkDown'
      ? [
          { kind: 'notice', notice: { kind: 'suspicion', of: nodeId('n2'), reason: 'refused' } },
          send('n3', 1),
        ]
      : [],
  );
  driver.input({ kind: 'linkDown', peer: nodeId('n2'), cause: 'refused' });
  expect(core.inputs.map(({ kind }) => kind)).toEqual(['linkDown', 'tick']);
  expect(done).toEqual(['notice suspicion', 'send n3']);
});

test('a log that cannot be closed is told, and nothing else stays open for it', async () => {
  const closed: string[] = [];
  const close = async (): Promise<void> => {
    closed.push('list closed');
  };
  const { driver, done } = drive(() => [], { close });
  await expect(driver.stop()).rejects.toMatchObject({ code: 'EIO' });
  expect([done, closed]).toEqual([['store closed'], ['list closed']]);
});

test('what was lost and finds no room to be listed is listed when there is some, and the node stays up', async () => {
  let tries = 0;
  const file = async (): Promise<void> => {
    tries += 1;
    if (tries < 3) throw new DiskError('ENOSPC', 'divergence.log', 'no room');
  };
  const orders: Input[] = [];
  const { driver, done, failures } = drive(
    (input) => {
      if (input.kind === 'order') orders.push(input);
      return input === CLOSED ? [{ kind: 'fileDiverged', entries: [], undecided: false }] : [];
    },
    { file },
  );
  driver.input(CLOSED);
  await expect.poll(() => done).toEqual(['judged']);
  expect(tries).toBe(3);
  expect(orders.map((input) => input.kind === 'order' && input.order)).toEqual([
    { kind: 'diskFull', full: true },
    { kind: 'diskFull', full: false },
    { kind: 'diskFull', full: true },
    { kind: 'diskFull', full: false },
  ]);
  expect(driver.isDiskFull).toBe(false);
  expect(failures).toEqual([]);
});

test('a directory of a store that cannot be removed for want of room goes when there is some, and the node stays up', async () => {
  let tries = 0;
  const remove = async (): Promise<void> => {
    tries += 1;
    if (tries % 3 !== 0) throw new DiskError('ENOSPC', 'store', 'no room');
  };
  const { driver, done, failures } = drive(
    (input) => {
      if (input === CLOSED) return [{ kind: 'discardSnapshot', directory: 'store-1' }];
      return input.kind === 'cancelRead' ? [INSTALL] : [];
    },
    {},
    { discard: remove, replace: async () => ({ retire: remove }) },
  );
  driver.input(CLOSED);
  await expect.poll(() => done).toEqual(['not taken']);
  expect(tries).toBe(3);
  driver.input({ kind: 'cancelRead', id: 1 });
  await expect.poll(() => tries).toBe(6);
  await expect.poll(() => driver.isDiskFull).toBe(false);
  expect(done).toEqual(['not taken', 'taken']);
  expect(failures).toEqual([]);
});

test('after `stop` nothing more is done: neither later effects nor later inputs', () => {
  const { driver, core, done, failures } = drive(() => [
    send('n2', 1),
    { kind: 'stop', reason: 'truncated below commit' },
    persist(1),
  ]);
  driver.input(CLOSED);
  driver.input({ kind: 'persisted', ticket: 1 as Ticket });
  expect(done).toEqual(['send n2']);
  expect(core.inputs).toHaveLength(1);
  expect(failures.map(({ message }) => message)).toEqual(['truncated below commit']);
});

test('damage that a read of the log meets is told before it ends the database', async () => {
  const { driver, done, failures } = drive(() => [
    { kind: 'load', id: 1, from: logIndex(3), to: logIndex(3), bytesMax: 1 },
  ]);
  driver.input(CLOSED);
  await expect.poll(() => failures.map(({ message }) => message)).toEqual(['entry 3 is damaged']);
  expect(done).toEqual(['log in /wal: entry 3 is damaged']);
});

test('a broken invariant of the core ends the database, once', () => {
  const { driver, core, failures } = drive(() => {
    throw new Error('two primaries in term 4');
  });
  driver.input(CLOSED);
  driver.input(CLOSED);
  expect(core.inputs).toHaveLength(1);
  expect(failures.map(({ message }) => message)).toEqual(['two primaries in term 4']);
});

test('frames name no database before the cluster has formed, and its uid from the order to persist it on', () => {
  const { driver } = drive((input) => {
    if (input.kind !== 'connectionClosed') return [];
    const genesis = {
      cluster: 'c'.repeat(32),
      databases: { default: 'd'.repeat(32) },
      voters: {},
      limits: { revisionGap: 1 },
    };
    const effect = persist(1) as Extract<Effect, { kind: 'persist' }>;
    return [
      { ...effect, order: { ...effect.order, record: { kind: 'genesis', genesis: genesis as never } } },
    ];
  });
  expect(driver.uid).toBe('');
  driver.input(CLOSED);
  expect(driver.uid).toBe('d'.repeat(32));
});
