import { REVISION_GAP, type Revision } from '@holdfast/types';
import { beforeEach, describe, expect, test } from 'vitest';
import type { Divergence, Holdfast, WriteSummary } from '../src/index.ts';
import { wireError } from './support/fake-cluster.ts';
import { World } from './support/world.ts';

/** Longer than it takes a client to ask a new primary. */
const ASKED_MS = 500;

let world: World;
let db: Holdfast;
let told: Divergence[];
/** What new primaries were asked about without a key. */
let asked: number[];

beforeEach(async () => {
  world = await World.start();
  db = await world.opened({ ack: 'local' });
  told = [];
  asked = [];
  db.on('diverged', (divergence: Divergence) => told.push(divergence));
});

function write(value: string): Promise<WriteSummary> {
  return world.drive(db.write([{ type: 'put', key: 'a', value }]));
}

/** What is above `surviving` in its term is lost, whoever asks. */
function lose(surviving: number): void {
  world.cluster.onRead = (_, { keys, token }) => {
    if (keys.length === 0) asked.push(token);
    return token > surviving && token < surviving + REVISION_GAP / 2
      ? wireError('HOLDFAST_SESSION_DIVERGED', { detail: surviving })
      : undefined;
  };
}

function elect(id: string): void {
  world.cluster.state.revision = (world.cluster.state.revision + REVISION_GAP) as Revision;
  world.cluster.elect(id);
}

describe('what a failover lost of local writes', () => {
  test('is told to a program that reads nothing, once, and its first read at session fails all the same', async () => {
    const [kept, lost, last] = [await write('1'), await write('2'), await write('3')];
    lose(kept.revision);
    elect('n2');
    await world.clock.advance(ASKED_MS);
    const loss = { lost: last.revision, surviving: kept.revision };
    expect(told).toEqual([{ ...loss, receipts: [lost, last] }]);
    const reads = [await world.timed(db.get('a')), await world.timed(db.get('a'))];
    expect(reads[0]).toMatchObject({ error: { code: 'HOLDFAST_SESSION_DIVERGED' } });
    expect(reads[1]?.error).toBeUndefined();
    expect(told).toHaveLength(1);
  });

  test('is told once where a read met it first', async () => {
    const [kept, lost] = [await write('1'), await write('2')];
    lose(kept.revision);
    elect('n2');
    await world.clock.advance(2);
    expect(await world.timed(db.get('a'))).toMatchObject({ error: { code: 'HOLDFAST_SESSION_DIVERGED' } });
    await world.clock.advance(ASKED_MS);
    expect(asked).toEqual([lost.revision]);
    expect(told).toEqual([{ lost: lost.revision, surviving: kept.revision, receipts: [lost] }]);
  });

  test('is asked of each primary once, of the last write of each term, and not again when it survived', async () => {
    const first = await write('1');
    elect('n2');
    await world.clock.advance(2);
    const second = await write('2');
    lose(second.revision);
    elect('n3');
    await world.clock.advance(ASKED_MS);
    expect(asked).toEqual([first.revision, second.revision]);
    elect('n1');
    await world.clock.advance(10 * ASKED_MS);
    expect(asked).toHaveLength(2);
    expect(told).toEqual([]);
  });

  test('is asked again of a primary that could not say, that went away, or that never answered', async () => {
    const [kept, lost] = [await write('1'), await write('2')];
    world.cluster.onRead = (_, { token }) => {
      asked.push(token);
      return asked.length === 1 ? wireError('HOLDFAST_NOT_READY') : 'drop';
    };
    elect('n2');
    await world.clock.advance(ASKED_MS);
    expect(asked).toEqual([lost.revision, lost.revision]);
    await world.clock.advance(6000);
    expect(asked).toHaveLength(3);
    lose(kept.revision);
    world.kill('n2');
    world.cluster.elect('n3');
    await world.clock.advance(ASKED_MS);
    expect(told).toEqual([{ lost: lost.revision, surviving: kept.revision, receipts: [lost] }]);
  });

  test('is nothing to ask about for who waits for a quorum', async () => {
    await world.drive(db.put('a', '1', { ack: 'quorum' }));
    lose(0);
    elect('n2');
    await world.clock.advance(ASKED_MS);
    expect(asked).toEqual([]);
  });
});
