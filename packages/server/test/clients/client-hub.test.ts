import type { Input } from '@holdfast/core';
import {
  type ClientMessage,
  type ClusterId,
  type Connection,
  type Consistency,
  type DatabaseUid,
  type ErrorCode,
  HoldfastError,
  LIMITS,
  type NodeId,
  PROTOCOL_VERSION,
  type Revision,
  type Term,
} from '@holdfast/types';
import { encodeClientMessages } from '@holdfast/wire';
import { expect, test } from 'vitest';
import { ClientHub } from '../../src/clients/client-hub.ts';
import { LogTraces } from '../../src/tracing/log-traces.ts';
import { TurnEnd } from '../../src/turn-end.ts';
import { ManualClock } from '../events/manual-clock.ts';

const NODE = 'n1' as NodeId;
const STATE = { consistency: 'linearizable', remainingMs: 1000, token: 0 as Revision } as const;
const RANGE = { reverse: false, limit: -1, keys: true, values: true };

/** A hub whose core lets every read through at once, and which has no store and no room for watches. */
class World {
  coreAnswers = true;
  terminated = false;
  readonly clock: ManualClock = new ManualClock();
  readonly errors: ErrorCode[] = [];
  /** As their latencies were noted. */
  readonly reads: Consistency[] = [];
  readonly hub: ClientHub;
  readonly connection: Connection & { bufferedBytes: number } = {
    remoteAddress: 'test',
    subprotocol: '',
    bufferedBytes: 0,
    receivedBytes: 0,
    handlers: { onMessage: () => {}, onClose: () => {} },
    send: () => {},
    close: () => {},
    terminate: () => {
      this.terminated = true;
    },
  };

  constructor(limits: { readonly pendingReadsMax?: number } = {}) {
    this.hub = new ClientHub({
      node: NODE,
      clock: this.clock,
      turnEnd: new TurnEnd(),
      limits: { ...LIMITS, scansPerConnectionMax: 1, scanIdleMs: 1000, ...limits },
      defaultAck: 'quorum',
      metrics: {
        write: () => {},
        read: (consistency) => this.reads.push(consistency),
        error: (code) => this.errors.push(code),
      },
      cluster: () => 'c'.repeat(32) as ClusterId,
      database: () => ({
        uid: 'd'.repeat(32) as DatabaseUid,
        traces: new LogTraces(NODE),
        input: (input) => this.#input(input),
        feed: {
          open: () => {
            throw new HoldfastError('HOLDFAST_OVERLOADED', 'no room');
          },
        },
      }),
      topology: () => ({ term: 1 as Term, nodes: [] }),
      onFatal: (error) => {
        throw error;
      },
    });
    this.hub.accept(this.connection);
    this.say({ kind: 'hello', protocol: PROTOCOL_VERSION, database: 'default', name: 'test' });
  }

  say(message: ClientMessage): void {
    this.connection.handlers.onMessage(encodeClientMessages([message]));
  }

  #input(input: Input): void {
    if (input.kind !== 'read' || !this.coreAnswers) return;
    const served = input.reads.map(({ id }) => ({ id, revision: 1 as Revision, stalenessMs: 0 }));
    this.hub.serve(served, undefined as never, 0);
  }
}

test('a watch for which the node has no room is counted as one, not as a read', () => {
  const world = new World();
  world.say({ kind: 'watchOpen', id: 1, ...STATE, range: {}, previousValues: false, credit: 1 });
  expect(world.errors).toStrictEqual(['HOLDFAST_OVERLOADED']);
  expect(world.hub.lanes.watches.refused).toBe(1);
  expect(world.hub.lanes.reads.refused).toBe(0);
});

test('every error that is answered is counted, whatever it answers', () => {
  const world = new World();
  world.say({ kind: 'scanOpen', id: 1, ...STATE, range: RANGE, pageSize: 1, snapshot: 77 });
  world.say({ kind: 'scanNext', id: 2, remainingMs: 1000, scan: 77, pageSize: 1 });
  world.say({ kind: 'snapshotRead', id: 3, remainingMs: 1000, snapshot: 77, keys: [] });
  expect(world.errors).toStrictEqual([
    'HOLDFAST_SNAPSHOT_LOST',
    'HOLDFAST_SNAPSHOT_LOST',
    'HOLDFAST_SNAPSHOT_LOST',
  ]);
});

test('a snapshot too many is counted as refused', () => {
  const world = new World();
  world.coreAnswers = false;
  world.say({ kind: 'snapshotOpen', id: 1, ...STATE });
  world.say({ kind: 'snapshotOpen', id: 2, ...STATE });
  expect(world.errors).toStrictEqual(['HOLDFAST_OVERLOADED']);
  expect(world.hub.lanes.reads.refused).toBe(1);
});

test('reads that wait are bounded, whether the core has let them through or not', () => {
  const world = new World({ pendingReadsMax: 2 });
  // As one that lets them through to a store that is being opened again.
  world.coreAnswers = false;
  const reads = [1, 2, 3].map((id) => ({ ...STATE, id, consistency: 'eventual' as const, keys: [] }));
  world.say({ kind: 'read', reads });
  world.say({ kind: 'scanOpen', id: 4, ...STATE, range: RANGE, pageSize: 1 });
  expect(world.errors).toStrictEqual(['HOLDFAST_OVERLOADED', 'HOLDFAST_OVERLOADED']);
  expect(world.hub.lanes.reads).toMatchObject({ running: 2, refused: 1 });
});

test('a client that has gone without a word does not keep its place for ever', () => {
  const world = new World();
  for (let round = 0; round < 10; round += 1) {
    world.clock.advance(LIMITS.clientSilentMsMax);
    world.say({ kind: 'ping', id: 1 });
  }
  expect(world.terminated).toBe(false);
  world.clock.advance(LIMITS.clientSilentMsMax * 1.5);
  expect(world.terminated).toBe(true);
});

test('what nobody is told is not counted', () => {
  const world = new World();
  world.connection.handlers.onClose({ cause: 'closed', code: 1006, reason: '' });
  world.say({ kind: 'snapshotRead', id: 3, remainingMs: 1000, snapshot: 77, keys: [] });
  expect(world.errors).toStrictEqual([]);
});

test('a read that is refused is none by which the latency of reads is judged', () => {
  const world = new World();
  world.connection.bufferedBytes = LIMITS.clientBufferedBytesMax;
  world.say({ kind: 'read', reads: [{ id: 1, ...STATE, keys: [Uint8Array.of(1)] }] });
  world.say({ kind: 'watchOpen', id: 2, ...STATE, range: {}, previousValues: false, credit: 1 });
  expect(world.errors).toStrictEqual(['HOLDFAST_OVERLOADED', 'HOLDFAST_OVERLOADED']);
  expect(world.reads).toStrictEqual([]);
});
