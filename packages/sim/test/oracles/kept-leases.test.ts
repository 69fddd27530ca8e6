import type { Entry, EntryRequest, Mutation } from '@holdfast/types';
import { describe, expect, test } from 'vitest';
import { checkKeptLeases } from '../../src/oracles/kept-leases.ts';
import { WinningLog } from '../../src/oracles/winning-log.ts';
import type { BookedLease } from '../../src/workload/call-book.ts';
import { LEASE_ANCHORS, LEASES_NAMESPACE, storedAs } from '../../src/workload/keys.ts';
import { entryOf } from './support.ts';

const RATES = { slowest: 0.99, fastest: 1.01 };

const del = (key: string): Mutation => ({ kind: 'del', key: Buffer.from(storedAs(LEASES_NAMESPACE, key)) });
const stays = (key: string, value: string): Mutation => ({
  ...del(key),
  kind: 'put',
  value: Buffer.from(value),
});
const lives = (key: string, value: string): Mutation => ({ ...stays(key, value), expiresAt: 99 }) as Mutation;
const anchor = (id: string): Buffer => Buffer.from(LEASE_ANCHORS + id);

/** Entries, each made when its index says. */
class Story {
  readonly #entries: Entry[] = [];

  add(request: (of: Extract<EntryRequest, { kind: 'write' }>) => EntryRequest): this {
    const index = this.#entries.length + 1;
    const entry = entryOf({ index, revision: 10 * index, changes: [] });
    const [write] = entry.body.kind === 'requests' ? entry.body.requests : [];
    const requests = [request(write as Extract<EntryRequest, { kind: 'write' }>)];
    this.#entries.push({ ...entry, body: { kind: 'requests', requests } });
    return this;
  }

  beside(...mutations: readonly Mutation[]): this {
    return this.add((write) => ({ ...write, mutations }));
  }

  /** With the lease of that name. */
  with(id: string, attempt: number, ...mutations: readonly Mutation[]): this {
    const value = Buffer.from(JSON.stringify({ id, value: attempt }));
    return this.beside({ kind: 'put', key: anchor(id), value, expiresAt: 99 }, ...mutations);
  }

  revoke(id: string, ...keys: readonly string[]): this {
    return this.beside({ kind: 'del', key: anchor(id) }, ...keys.map(del));
  }

  expire(key: Uint8Array): this {
    return this.add(() => ({ kind: 'expire', due: [{ key, expiresAt: 99, isDeleted: true }] }));
  }

  check(leases: readonly BookedLease[] = [leaseOf('x'), leaseOf('y')], rates = RATES): () => void {
    const log = new WinningLog(this.#entries);
    return () => checkKeptLeases(leases, log, { rates, madeAt: ({ index }) => index });
  }
}

function leaseOf(name: string, told: Partial<BookedLease> = {}): BookedLease {
  return { client: 'c1', name, puts: [], left: [], detached: [], ...told };
}

/** Two keys, at 2 and 3. */
const two = (): Story =>
  new Story().with('a', 1).with('a', 2, lives('o0', 'x 1')).with('a', 3, lives('o1', 'x 2'));
const taken = (): Story => two().beside(stays('o1', 'beside y 1'));

describe('Kept leases', () => {
  test('are renewed and revoked as a whole, without what others have written', () => {
    const renewed = two().with('a', 4, lives('o0', 'x 1'), lives('o1', 'x 2'));
    const puts = [
      { key: 'o0', value: 'x 1', outcome: 'applied' },
      { key: 'o2', value: 'x 3', outcome: 'not-applied' },
      { key: 'o2', value: 'x 4', outcome: 'unknown' },
    ] as const;
    const booked = leaseOf('x', { puts: [...puts], isRevoked: true });
    expect(renewed.revoke('a', 'o0', 'o1').check([booked])).not.toThrow();
    const detached = leaseOf('x', { detached: ['o1'] });
    expect(taken().with('a', 4, lives('o0', 'x 1')).revoke('a', 'o0').check([detached])).not.toThrow();
    const byOther = two().with('b', 1).with('b', 2, lives('o1', 'y 1')).revoke('a', 'o0').revoke('b', 'o1');
    expect(byOther.check()).not.toThrow();
  });

  test('let go of what they are asked for', () => {
    const left = leaseOf('x', {
      left: [
        { kind: 'del', key: 'o0' },
        { kind: 'detach', key: 'o1' },
      ],
    });
    const story = two().with('a', 4, del('o0')).with('a', 5, stays('o1', 'x 2')).with('a', 6).revoke('a');
    expect(story.check([left])).not.toThrow();
    expect(two().with('a', 4, del('o0')).check([left])).toThrow('told of detach o1 1 times');
    expect(taken().with('a', 4, del('o1')).check()).toThrow('lets go of o1, which is not its own');
    expect(taken().with('a', 4, stays('o1', 'beside y 1')).check()).toThrow('lets go of');
  });

  test('that are renewed or revoked in part are caught', () => {
    expect(two().with('a', 4, lives('o0', 'x 1')).check()).toThrow('o1 is not renewed with x');
    expect(two().revoke('a', 'o1').check()).toThrow('o0 is not revoked with x');
  });

  test('with what is not theirs are caught', () => {
    expect(taken().revoke('a', 'o0', 'o1').check()).toThrow('o1 is revoked with x, which is not its own');
    const other = two().with('b', 1).with('b', 2, lives('o1', 'y 1'));
    expect(other.with('a', 4, lives('o0', 'x 1'), lives('o1', 'y 1')).check()).toThrow(
      'o1 is renewed with x',
    );
    expect(two().with('a', 4, lives('o2', 'z 1')).check()).toThrow('which nobody asked of it');
    expect(two().with('a', 4, lives('o2', 'y 1')).check()).toThrow('which nobody asked of it');
  });

  test('whose attempts are carried out late are caught', () => {
    expect(two().with('a', 5).with('a', 4, lives('o2', 'x 3')).check()).toThrow('attempt 4 comes after 5');
    expect(two().revoke('a', 'o0', 'o1').with('a', 4).check()).toThrow('x is revoked, and changed then');
    expect(
      two()
        .expire(anchor('a'))
        .with('a', 4)
        .check([leaseOf('x', { endedAt: 3 })]),
    ).toThrow('is expired');
  });

  test('of which clients were told what is not so are caught', () => {
    const put = (outcome: 'applied' | 'not-applied', value: string): BookedLease =>
      leaseOf('x', { puts: [{ key: 'o0', value, outcome }] });
    expect(two().check([put('applied', 'x 9')])).toThrow('o0=x 9 is put: it is lost');
    expect(two().check([put('not-applied', 'x 1')])).toThrow('o0=x 1 is not put');
    expect(two().check([leaseOf('x', { isRevoked: true })])).toThrow('revoked: it is not');
    expect(two().check([leaseOf('x', { detached: ['o1'] })])).toThrow('told of taken o1 1 times');
    expect(taken().check([leaseOf('x', { detached: ['o1', 'o1'] })])).toThrow('told of taken o1 2 times');
  });

  test('that are lost before their clients are told are caught, where clocks are alike', () => {
    const key = Buffer.from(storedAs(LEASES_NAMESPACE, 'o1'));
    expect(
      two()
        .expire(key)
        .check([leaseOf('x', { endedAt: 4 })]),
    ).not.toThrow();
    const late = [leaseOf('x', { endedAt: 5 })];
    expect(two().expire(key).check(late)).toThrow('expired at 4; c1 thought that it has x until 5');
    expect(
      two()
        .expire(anchor('a'))
        .check([leaseOf('x')]),
    ).toThrow('until undefined');
    expect(two().expire(key).check(late, { slowest: 0.5, fastest: 2 })).not.toThrow();
    // It has it no more.
    expect(taken().expire(key).check(late)).not.toThrow();
  });
});
