import { HoldfastError, type Revision, type Term, type WatchEvent } from '@holdfast/types';
import { beforeEach, describe, expect, test } from 'vitest';
import type { Seams } from '../src/seams.ts';
import type { WatchCall, WatchHome } from '../src/session/call.ts';
import type { Tenant } from '../src/tenant.ts';
import { WatchStream } from '../src/watch/watch-stream.ts';

const HOME = { link: 1 } as unknown as WatchHome;
const revision = (value: number): Revision => value as Revision;
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** Whoever rests goes on at once. */
const seams = {
  clock: {
    setTimer: (_ms: number, work: () => void) => {
      setImmediate(work);
      return { cancel: () => {} };
    },
  },
  random: { next: () => 0 },
} as unknown as Seams;

/** From where it was opened, and what ends that. */
let opened: { readonly from: Revision | undefined; readonly end: PromiseWithResolvers<void> }[];
let stream: WatchStream;
/** Bytes that each opening said might be sent, and what was granted after that. */
let credits: number[];
let granted: number[];

beforeEach(async () => {
  opened = [];
  credits = [];
  granted = [];
  const tenant = {
    submit: () => opened.at(-1)!.end.promise,
    abort: () => {},
    closeWatch: () => {},
    grantWatch: (_: WatchHome, bytes: number) => granted.push(bytes),
  } as unknown as Tenant;
  stream = new WatchStream({
    tenant,
    seams,
    from: revision(1),
    makeCall({ from, credit }) {
      opened.push({ from, end: Promise.withResolvers() });
      credits.push(credit);
      return {} as WatchCall;
    },
  });
  opened[0]!.end.resolve();
  await turn();
  stream.onOpened(HOME, revision(1));
});

function compacted(oldest: number): HoldfastError {
  return new HoldfastError('HOLDFAST_REVISION_COMPACTED', 'it is gone', { detail: oldest });
}

describe('A node says that what it was asked for is gone', () => {
  test('after that was skipped, as the answer of a call: the watch is opened from where it is', async () => {
    stream.onLost(undefined);
    await turn();
    expect(opened.map(({ from }) => from)).toEqual([1, 1]);
    stream.skipTo(revision(5));
    opened[1]!.end.reject(compacted(5));
    await turn();
    await turn();
    expect(opened.map(({ from }) => from)).toEqual([1, 1, 5]);
  });

  test('after that was skipped, of a watch that was open', async () => {
    stream.skipTo(revision(5));
    stream.onLost(compacted(4));
    await turn();
    expect(opened.map(({ from }) => from)).toEqual([1, 5]);
  });

  test('before that is skipped', async () => {
    stream.onLost(compacted(5));
    await turn();
    opened[1]!.end.reject(compacted(5));
    await turn();
    stream.skipTo(revision(5));
    await turn();
    await turn();
    expect(opened.map(({ from }) => from)).toEqual([1, 1, 5]);
  });

  test('and the watch stands below it: that is the end', async () => {
    stream.skipTo(revision(5));
    stream.onLost(compacted(6));
    await turn();
    // Nobody else is there to be asked.
    opened[1]!.end.resolve();
    stream.onOpened(HOME, revision(5));
    stream.onLost(compacted(6));
    await expect(stream.next()).rejects.toThrow('it is gone');
    expect(opened).toHaveLength(2);
  });
});

test('A watch that was lost while nothing more had room here, and is empty before it is open again, goes on', async () => {
  const event: WatchEvent = {
    kind: 'put',
    key: new Uint8Array(1),
    value: new Uint8Array(credits[0]!),
    revision: revision(2),
    endsWrite: true,
  };
  stream.onEvents({ kind: 'watchEvents', id: 1, term: 1 as Term, events: [event], revision: event.revision });
  stream.onLost(undefined);
  await turn();
  expect(credits[1]).toBe(0);
  expect(await stream.next()).toMatchObject({ kind: 'event', event });
  expect(await stream.next()).toEqual({ kind: 'mark', revision: 2 });
  const next = stream.next();
  await turn();
  opened[1]!.end.resolve();
  stream.onOpened(HOME, revision(2));
  await turn();
  expect(granted).toEqual([credits[0]]);
  stream.close();
  expect(await next).toBeUndefined();
});
