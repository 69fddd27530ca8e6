import { type NodeId, REVISION_GAP, type Revision, type Term, type Topology } from '@holdfast/types';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { LinkHealth } from '../../src/links/link-health.ts';
import { type EndpointView, planLinks } from '../../src/links/link-plan.ts';
import { LINK_TIMING } from '../../src/links/link-timing.ts';
import { WriteCall } from '../../src/session/call.ts';
import { CallQueue } from '../../src/session/call-queue.ts';
import { DeadlineWheel, type Timed } from '../../src/session/deadline-wheel.ts';
import { KeySet } from '../../src/session/key-set.ts';
import { SequenceWindow } from '../../src/session/sequence-window.ts';
import { SessionToken } from '../../src/session/session-token.ts';
import { TopologyView } from '../../src/session/topology-view.ts';

const RUNS = {
  numRuns: process.env.HOLDFAST_LONG === '1' ? 20_000 : 500,
};

test('the floor is the highest sequence at or below which all are released', () => {
  fc.assert(
    fc.property(fc.array(fc.option(fc.nat()), { size: 'max', maxLength: 80 }), (steps) => {
      const window = new SequenceWindow<number>(8);
      const held: number[] = [];
      let last = 0;
      for (const step of steps) {
        if (step === null) {
          if (window.full) continue;
          last += 1;
          expect(window.take(last)).toBe(last);
          held.push(last);
        } else if (held.length > 0) {
          window.release(held.splice(step % held.length, 1)[0] as number);
        }
        expect(window.floor).toBe(Math.min(last, ...held.map((sequence) => sequence - 1)));
        expect(window.held).toBe(held.length);
        expect(window.full).toBe(last - window.floor === 8);
        const seen: number[] = [];
        window.forEach((item) => {
          seen.push(item);
        });
        expect(seen).toEqual([...held].sort((left, right) => left - right));
      }
    }),
    RUNS,
  );
});

test('a released sequence cannot be released again', () => {
  const window = new SequenceWindow<string>(4);
  window.take('a');
  window.take('b');
  window.release(2);
  expect(() => window.release(2)).toThrow('twice');
  expect(() => window.release(3)).toThrow('not held');
});

test('the wheel gives every deadline back once, never early, at most a step late', () => {
  const timed = (deadline: number): Timed => ({
    deadline,
    wheelSlot: -1,
    wheelNext: undefined,
    wheelPrevious: undefined,
  });
  fc.assert(
    fc.property(
      fc.array(
        fc.record({
          afterMs: fc.integer({ min: -5, max: 40_000 }),
          passMs: fc.integer({ min: 0, max: 3000 }),
          drop: fc.boolean(),
        }),
        { size: 'max', maxLength: 40 },
      ),
      (steps) => {
        let now = 12_345.6;
        const wheel = new DeadlineWheel<Timed>(10, now);
        const waiting = new Set<Timed>();
        for (const { afterMs, passMs, drop } of steps) {
          const item = timed(now + afterMs);
          wheel.add(item);
          waiting.add(item);
          if (drop) {
            wheel.remove(item);
            wheel.remove(item);
            waiting.delete(item);
          }
          for (const end = now + passMs; now < end; ) {
            now = Math.min(end, now + 7);
            for (const due of wheel.expire(now)) {
              expect(waiting.delete(due)).toBe(true);
              expect(due.deadline).toBeLessThanOrEqual(now);
            }
          }
          for (const { deadline } of waiting) expect(deadline).toBeGreaterThan(now - 20);
          expect(wheel.size).toBe(waiting.size);
        }
        // After a sleep longer than a turn of the wheel nothing is left behind.
        expect(new Set(wheel.expire(now + 1_000_000))).toEqual(waiting);
      },
    ),
    RUNS,
  );
});

test('a queue keeps the order of issue, whatever is put back, and sheds what has settled', () => {
  interface Item {
    settled: boolean;
    readonly order: number;
  }
  fc.assert(
    fc.property(
      fc.array(fc.constantFrom('push', 'shift', 'restore', 'settle'), { size: 'max', maxLength: 300 }),
      (steps) => {
        const queue = new CallQueue<Item>();
        const inside: Item[] = [];
        const outside: Item[] = [];
        let order = 0;
        for (const step of steps) {
          if (step === 'push') {
            order += 1;
            const item = { settled: false, order };
            queue.push(item);
            inside.push(item);
          } else if (step === 'shift') {
            const item = queue.shift();
            expect(item).toBe(inside.shift());
            if (item !== undefined) outside.push(item);
          } else if (step === 'restore') {
            queue.restore(outside);
            inside.push(...outside.splice(0));
            inside.sort((left, right) => left.order - right.order);
          } else {
            const [item] = inside.splice(Math.floor(inside.length / 2), 1);
            if (item === undefined) continue;
            item.settled = true;
            queue.forget();
          }
          expect(queue.length).toBe(inside.length);
          expect(queue.peek()).toBe(inside[0]);
        }
      },
    ),
    RUNS,
  );
});

test('a write touches another in whatever either may write or depends on', () => {
  const key = Buffer.from('a');
  const put = { kind: 'put', key, value: Buffer.from('1') } as const;
  const none = { deadline: 1, bytes: 0, ack: 'quorum', conditions: [], operations: [] } as const;
  const calls = [
    { ...none, operations: [put] },
    { ...none, conditions: [{ kind: 'absent', key } as const] },
    { ...none, otherwise: [put] },
  ].map((parts) => new WriteCall(parts));
  for (const call of calls) {
    const keys = new KeySet();
    keys.add(call);
    for (const other of calls) expect(keys.touchedBy(other)).toBe(true);
    expect(keys.touchedBy(new WriteCall(none))).toBe(false);
    keys.delete(call);
    expect(keys.size).toBe(0);
  }
});

const ids = ['n1', 'n2', 'n3', 'n4'] as NodeId[];
const nodes = ids.map((id) => ({ id, url: `ws://${id}:1` }));
const topology = (term: number, primary?: NodeId): Topology =>
  primary === undefined ? { term: term as Term, nodes } : { term: term as Term, primary, nodes };
const [n1, n2, n3] = ids as [NodeId, NodeId, NodeId];

describe('the view of the cluster', () => {
  test('the primary of the highest term wins, whoever tells it', () => {
    const view = new TopologyView();
    expect(view.learn(topology(5, n1), n2)).toBe(true);
    expect(view.learn(topology(4, n3), n3)).toBe(false);
    expect(view.primary).toBe(n1);
    expect(view.learn(topology(6, n3), n2)).toBe(true);
    expect(view.current).toEqual(topology(6, n3));
  });

  test('a candidate that does not win takes no primary away', () => {
    const view = new TopologyView();
    view.learn(topology(5, n1), n1);
    expect(view.learn(topology(7), n3)).toBe(false);
    expect(view.current).toEqual(topology(5, n1));
    const late = new TopologyView();
    late.learn(topology(7), n3);
    expect(late.current).toEqual(topology(7));
    expect(late.learn(topology(5, n1), n2)).toBe(true);
    expect(late.current).toEqual(topology(5, n1));
    expect(late.learn(topology(6, n2), n2)).toBe(true);
    expect(late.primary).toBe(n2);
  });

  test('a primary that goes on to another term is none, and not on hearsay either', () => {
    const view = new TopologyView();
    view.learn(topology(5, n1), n1);
    expect(view.learn(topology(6), n1)).toBe(true);
    expect(view.current).toEqual(topology(6));
    expect(view.learn(topology(5, n1), n2)).toBe(false);
    expect(view.learn(topology(4, n2), n3)).toBe(false);
    expect(view.primary).toBeUndefined();
    const unknown = new TopologyView();
    unknown.learn(topology(6), n1);
    unknown.learn(topology(5, n1), n2);
    expect(unknown.primary).toBeUndefined();
    unknown.unlinked(n1);
    unknown.learn(topology(5, n1), n2);
    expect(unknown.current).toEqual(topology(5, n1));
  });

  test('within a term only the primary takes its role back, and then hearsay does not give it again', () => {
    const view = new TopologyView();
    view.learn(topology(5, n1), n1);
    view.learn(topology(5), n2);
    expect(view.primary).toBe(n1);
    view.learn(topology(5), n1);
    expect(view.primary).toBeUndefined();
    view.learn(topology(5, n1), n2);
    expect(view.primary).toBeUndefined();
    view.learn(topology(5, n1), n1);
    expect(view.primary).toBe(n1);
    view.learn(topology(6, n2), n3);
    expect(view.primary).toBe(n2);
  });

  test('a node of an older term does not tell where the others are', () => {
    const view = new TopologyView();
    view.learn(topology(5, n1), n1);
    const moved = [{ id: n1, url: 'ws://old:1' }];
    expect(view.learn({ term: 4 as Term, nodes: moved }, n3)).toBe(false);
    expect(view.learn({ term: 4 as Term, primary: n3, nodes: moved }, n3)).toBe(false);
    expect(view.current).toEqual(topology(5, n1));
  });

  test('an announcement without nodes does not make them forgotten', () => {
    const view = new TopologyView();
    view.learn(topology(5, n1), n1);
    view.learn({ term: 6 as Term, nodes: [] }, n1);
    expect(view.current.nodes).toEqual(nodes);
  });
});

describe('which nodes to be linked with', () => {
  const plan = (endpoints: EndpointView[], primary?: NodeId, linksMax = 3): ReturnType<typeof planLinks> =>
    planLinks({ seeds: ['ws://seed:1'], topology: topology(1, primary), endpoints, linksMax });

  test('all that are known while nobody is linked', () => {
    expect(plan([]).connect).toEqual([...nodes.map(({ url }) => url), 'ws://seed:1']);
  });

  test('the primary and others up to the limit', () => {
    const linked: EndpointView[] = [{ url: 'ws://seed:1', link: 1, node: n2 }];
    expect(plan(linked, 'n4' as NodeId)).toEqual({ connect: ['ws://n1:1', 'ws://n4:1'], close: [] });
  });

  test('a new primary is linked with, and one beyond the limit let go', () => {
    const linked = [n1, n2, n3].map((node, position) => ({
      url: `ws://${node}:1`,
      link: position + 1,
      node,
    }));
    expect(plan(linked, 'n4' as NodeId)).toEqual({ connect: ['ws://n4:1'], close: [3] });
    expect(plan(linked, n3)).toEqual({ connect: [], close: [] });
  });

  test('a node that is not where it says it is is looked for at seeds that may be its own', () => {
    const linked: EndpointView[] = [n1, n3].map((node, place) => ({
      url: `ws://${node}:1`,
      link: place + 1,
      node,
    }));
    const n2At: EndpointView = { url: 'ws://n2:1', hasFailed: true };
    expect(plan(linked, n2).connect).toEqual(['ws://n2:1']);
    expect(plan([...linked, n2At], n2).connect).toEqual(['ws://n2:1', 'ws://seed:1']);
    const seed = (lastNode: NodeId): EndpointView => ({ url: 'ws://seed:1', lastNode });
    expect(plan([...linked, n2At, seed(n2)], n2).connect).toEqual(['ws://n2:1', 'ws://seed:1']);
    expect(plan([...linked, n2At, seed(n3)], n2).connect).toEqual(['ws://n2:1']);
    // Somebody else says that it is there.
    const endpoints = [...linked, n2At];
    const seeds = ['ws://n4:1'];
    const known = planLinks({ seeds, topology: topology(1, n2), endpoints, linksMax: 3 });
    expect(known.connect).toEqual(['ws://n2:1']);
  });

  test('of two links to a node the one that was welcomed first stays', () => {
    const twice: EndpointView[] = [
      { url: 'ws://alias:1', link: 2, node: n1, welcomeOrder: 5 },
      { url: 'ws://n1:1', link: 7, node: n1, welcomeOrder: 4 },
    ];
    expect(plan(twice, n1).close).toEqual([2]);
  });

  test('an address with a connection in the making is not dialled again', () => {
    expect(plan([{ url: 'ws://seed:1', link: 1 }]).connect).not.toContain('ws://seed:1');
  });
});

test('silence is asked about, then held against the node, then ends the link', () => {
  const health = new LinkHealth(LINK_TIMING, { now: 0, random: 1 });
  expect(health.check(100, 'answers')).toBe('fine');
  expect(health.check(200, 'events')).toBe('fine');
  expect(health.check(200, 'answers')).toBe('ping');
  expect(health.check(300, 'answers')).toBe('fine');
  expect(health.check(400, 'answers')).toBe('silent');
  expect(health.check(3200, 'answers')).toBe('dead');
  health.heard(3200);
  expect(health.check(3300, 'answers')).toBe('fine');
});

test('the token goes back once per loss, and not on old news', () => {
  const token = new SessionToken();
  token.raise(9 as Revision);
  const { epoch } = token;
  expect(token.diverged(epoch, 9 as Revision, 4 as Revision)).toBe(9);
  expect(token.revision).toBe(4);
  token.raise(7 as Revision);
  expect(token.diverged(epoch, 9 as Revision, 4 as Revision)).toBe(undefined);
  expect(token.revision).toBe(7);
});

test('what was seen in an older term is asked about, oldest first, until its fate is known', () => {
  const token = new SessionToken();
  const asked = () => token.asked(0 as Revision, 0 as Revision);
  for (const revision of [5, 9, REVISION_GAP + 9, REVISION_GAP + 12, 3 * REVISION_GAP])
    token.raise(revision as Revision);
  expect([asked(), token.revision]).toEqual([9, 3 * REVISION_GAP]);
  token.survived(9 as Revision);
  expect(asked()).toBe(REVISION_GAP + 12);
  // Asked before the last answers came: of that term all that was seen above it is lost as well.
  const lost = (REVISION_GAP + 10) as Revision;
  expect(token.diverged(token.epoch, lost, REVISION_GAP as Revision)).toBe(REVISION_GAP + 12);
  expect([asked(), token.revision]).toEqual([3 * REVISION_GAP, 3 * REVISION_GAP]);
});

test('a token that was handed over is asked about like what was seen, and its loss is not this client’s', () => {
  const token = new SessionToken();
  const handed = 9 as Revision;
  token.raise((2 * REVISION_GAP) as Revision);
  expect(token.asked(handed, 0 as Revision)).toBe(handed);
  expect(token.asked(handed, handed)).toBe(token.revision);
  expect(token.diverged(token.epoch, handed, 4 as Revision)).toBe(undefined);
  expect(token.revision).toBe(2 * REVISION_GAP);
  // The other way round what this client has seen is the older one.
  const newer = (4 * REVISION_GAP) as Revision;
  expect(token.asked(newer, 0 as Revision)).toBe(token.revision);
  expect(token.asked(newer, token.revision)).toBe(newer);
});
