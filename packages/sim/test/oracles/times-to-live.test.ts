import type { Effect } from '@holdfast/core';
import type { Entry, EntryRequest, LogIndex, Mutation, Revision, Term, Ticket } from '@holdfast/types';
import { describe, expect, test } from 'vitest';
import { TimesToLive } from '../../src/oracles/times-to-live.ts';
import { WinningLog } from '../../src/oracles/winning-log.ts';
import { entryOf } from './support.ts';

const key = Buffer.from('e0');

/** Entries, each made when the log time is what it says, or at another moment of the world. */
class Story {
  readonly #oracle: TimesToLive;
  readonly #entries: Entry[] = [];

  constructor(fastest = 1) {
    this.#oracle = new TimesToLive({ slowest: 1, fastest });
  }

  add(logTime: number, body: Entry['body'], madeAt = logTime): this {
    const index = this.#entries.length + 1;
    const entry: Entry = { ...entryOf({ index, revision: 10 * index, changes: [] }), logTime, body };
    this.#entries.push(entry);
    this.#oracle.onEffect(persistOf(entry), madeAt);
    // A standby stores it later, which says nothing.
    this.#oracle.onEffect(persistOf(entry), madeAt + 1000);
    return this;
  }

  put(logTime: number, expiresAt: number | undefined, madeAt = logTime): this {
    const put: Mutation = { kind: 'put', key, value: Buffer.from('v') };
    return this.add(logTime, write(expiresAt === undefined ? put : { ...put, expiresAt }), madeAt);
  }

  expire(logTime: number, expiresAt: number, isDeleted: boolean, madeAt = logTime): this {
    return this.add(
      logTime,
      { kind: 'requests', requests: [{ kind: 'expire', due: [{ key, expiresAt, isDeleted }] }] },
      madeAt,
    );
  }

  check(renewals: Parameters<TimesToLive['check']>[1] = []): () => void {
    return () => this.#oracle.check(new WinningLog(this.#entries), renewals);
  }
}

function write(mutation: Mutation): Entry['body'] {
  const { body } = entryOf({ index: 1, revision: 1, changes: [] });
  const [request] = body.kind === 'requests' ? body.requests : [];
  const one = request as Extract<EntryRequest, { kind: 'write' }>;
  return { kind: 'requests', requests: [{ ...one, mutations: [mutation] }] };
}

function persistOf(entry: Entry): Effect {
  const order = {
    ticket: 1 as Ticket,
    record: { kind: 'entries', entries: [entry] },
    hardState: { term: 1 as Term },
    commitFloor: 0 as LogIndex,
    last: { index: entry.index, term: entry.term },
  } as const;
  return { kind: 'persist', order };
}

describe('times to live', () => {
  test('are kept by keys that go when their time has come, and by those that were renewed', () => {
    expect(new Story().put(100, 151).expire(151, 151, true).check()).not.toThrow();
    expect(
      new Story().put(100, 151).put(140, 201).expire(160, 151, false).expire(220, 201, true).check(),
    ).not.toThrow();
  });

  test('are not kept by a key that goes before its time, by log time', () => {
    expect(new Story().put(100, 151).expire(150, 151, true, 151).check()).toThrow('at 150 of 151');
  });

  test('nor by the time of the world, whatever log time says', () => {
    expect(new Story().put(100, 151).expire(151, 151, true, 149).check()).toThrow('after 49 ms of 50');
    expect(new Story(1.1).put(100, 151).expire(151, 151, true, 149).check()).not.toThrow();
  });

  test('nor by one that was written again', () => {
    expect(new Story().put(100, 151).put(140, 201).expire(160, 151, true).check()).toThrow('it had 201');
    expect(new Story().put(100, 151).put(140, undefined).expire(160, 151, true).check()).toThrow('undefined');
  });

  test('nor by one that is left behind, now or for ever', () => {
    expect(new Story().put(100, 151).expire(160, 151, false).check()).toThrow('is left');
    expect(new Story().put(100, 151).put(9000, 9999).check()).not.toThrow();
    expect(new Story().put(100, 151).add(9000, { kind: 'noop' }).check()).toThrow('is still there');
  });

  test('and a renewal that was acknowledged is there', () => {
    const story = new Story().put(100, 151);
    const renewal = { client: 'c1', key: 'e0', revision: 20 as Revision };
    expect(story.check([renewal])).toThrow('it is lost');
  });
});
