import { simulate } from '@holdfast/sim';
import { describe, expect, it } from 'vitest';
import { TraceReader } from '../../scripts/sim-page/read-trace.ts';
import { MESSAGE_CLASSES, type Timeline } from '../../scripts/sim-page/timeline.ts';

function timelineOf(lines: string, failure?: string): Timeline {
  const reader = new TraceReader();
  for (const line of lines.trim().split('\n')) {
    const [, at = '', words = ''] = /^\s*(\S+) (.*)$/.exec(line) ?? [];
    reader.read(`${Number(at).toFixed(3).padStart(11)}  ${words}`);
  }
  return reader.timeline(failure);
}

const FAILOVER = `
  0 seed 1: 2 nodes
  0 n1 begins run 1
  0 n2 begins run 1
  5 n1 has read its disk (run 1)
  5 n2 has read its disk (run 1)
  10 n1 notice role {role:candidate,term:1,reason:pre-vote won}
  12 n1 notice role {role:primary,term:1,reason:elected by a majority,primary:n1}
  13 n1 notice promotion {term:1,index:1}
  13 n2 notice role {role:standby,term:1,reason:n1 is primary,primary:n1}
  20 c1 call 1: put k0=a at quorum
  20 #1 c1 > n1 client: write {id:1}
  21 #1 at n1 from c1
  21 #2 n1 > n2 peer: append {term:1}
  22 #2 at n2 from n1
  23 n1 applies 2..2@1
  24 c1 call 1: ok {}
  30 c1 call 2: put k0=b at quorum
  40 n1 is down
  40 fault: n1 is killed
  41 n2 notice suspicion {of:n1,reason:its link was refused}
  42 n2 notice election {term:2,reason:pre-vote won}
  42 n2 notice role {role:candidate,term:2,reason:pre-vote won}
  44 n2 notice role {role:primary,term:2,reason:elected by a majority,primary:n2}
  46 n2 notice promotion {term:2,index:3}
  50 c1 call 2: ok {}
  60 n1 begins run 2
  60 fault: n1 starts
`;

describe('A trace read for the page', () => {
  it('tells what each node was, and when', () => {
    const { nodes, clients, roles, title, endMs } = timelineOf(FAILOVER);
    expect({ title, endMs, nodes, clients }).toEqual({
      title: 'seed 1: 2 nodes',
      endMs: 60,
      nodes: ['n1', 'n2'],
      clients: ['c1'],
    });
    const told = roles
      .filter(({ host, from, to }) => host === 'n1' && to > from)
      .map(({ state, term, admits, from, to }) => [from, to, state, term, admits]);
    expect(told).toEqual([
      [0, 5, 'starting', 0, false],
      [5, 10, 'forming', 0, false],
      [10, 12, 'candidate', 1, false],
      [12, 13, 'primary', 1, false],
      [13, 40, 'primary', 1, true],
      [40, 60, 'down', 0, false],
    ]);
  });

  it('tells a failover step by step, and how long nobody took writes', () => {
    const { changes, gaps } = timelineOf(FAILOVER);
    expect(gaps).toEqual([{ from: 40, to: 46 }]);
    expect(changes).toEqual([
      {
        at: 46,
        node: 'n2',
        term: 2,
        previous: 'n1',
        lostAt: 40,
        cause: { at: 40, words: 'n1 is killed' },
        suspectedAt: 41,
        electionAt: 42,
        electedAt: 44,
        firstAnswerAt: 50,
      },
    ]);
  });

  it('joins messages with their arrival and calls with their outcome', () => {
    const { messages, calls, hosts } = timelineOf(`
      0 n1 begins run 1
      1 c1 call 1: read k0 at session
      1 c2 call 1: put k0=x at local
      1 c3 call 1: put k0=y at all
      2 #1 c1 > n1 client: read {keys:[k0]}
      3 #2 n1 > n2 peer: preVote {term:4}
      4 #1 at n1 from c1
      5 c1 call 1: HOLDFAST_NO_PRIMARY, not-applied
      6 c2 call 1: HOLDFAST_DEADLINE_EXCEEDED, unknown
      7 n1 applies 1..9@1`);
    const told = messages.sent.map((sent, place) => [
      sent,
      messages.arrived[place],
      hosts[messages.from[place]!],
      hosts[messages.to[place]!],
      MESSAGE_CLASSES[messages.class[place]!],
    ]);
    expect(told).toEqual([
      [2, 4, 'c1', 'n1', 'client'],
      [3, -1, 'n1', 'n2', 'election'],
    ]);
    expect(calls.map(({ host, outcome, to }) => [host, outcome, to])).toEqual([
      ['c1', 'notApplied', 5],
      ['c2', 'unknown', 6],
      ['c3', 'open', 7],
    ]);
  });

  it('takes a primary that is thawed after the election of another for none', () => {
    const { changes, gaps, roles } = timelineOf(`
      0 n1 begins run 1
      0 n2 begins run 1
      1 n1 notice role {role:primary,term:1,reason:elected by a majority,primary:n1}
      2 n1 notice promotion {term:1,index:1}
      10 n1 stands still
      10 fault: n1 freezes
      20 n2 notice role {role:primary,term:2,reason:elected by a majority,primary:n2}
      21 n2 notice promotion {term:2,index:2}
      30 n1 goes on
      30 fault: n1 is thawed
      31 n1 notice role {role:standby,term:2,reason:n2 is primary,primary:n2}
      40 n2 stands still
      50 n2 goes on
      60 n2 applies 3..3@2`);
    expect(changes).toMatchObject([{ at: 21, node: 'n2', lostAt: 10, cause: { words: 'n1 freezes' } }]);
    expect(gaps).toEqual([
      { from: 10, to: 21 },
      { from: 40, to: 50 },
    ]);
    expect(roles.find(({ host, isFrozen }) => host === 'n1' && isFrozen)).toMatchObject({ from: 10, to: 30 });
  });

  it('tells of disks that are full or slow, and why a run failed', () => {
    const { disks, events } = timelineOf(
      `
      0 n1 begins run 1
      1 fault: n1 has a full disk
      2 fault: n1 has a disk 20 times slower
      3 fault: n1 has room again
      9 fault: n1 n2 cut off from the rest`,
      'safety: exactly once: c1: k0=x is there twice',
    );
    expect(disks.map(({ state, from, to }) => [state, from, to])).toEqual([
      ['full', 1, 3],
      ['slow', 2, 9],
    ]);
    expect(events.filter(({ host }) => host === undefined).map(({ kind, words }) => [kind, words])).toEqual([
      ['fault', 'n1 n2 cut off from the rest'],
      ['failure', 'safety: exactly once: c1: k0=x is there twice'],
    ]);
  });

  it('understands a real one', async () => {
    const reader = new TraceReader();
    await simulate(
      {
        seed: 2,
        faults: [{ afterMs: 300, kind: 'kill', node: 'primary', forMs: 200 }],
        trace: (line) => reader.read(line),
      },
      async ({ client, clock }) => {
        const db = client();
        for (let call = 0; call < 20; call += 1) {
          await db.put('key', String(call));
          await clock.sleep(50);
        }
      },
    );
    const { nodes, clients, changes, gaps, roles, messages, applied } = reader.timeline();
    expect(nodes).toEqual(['n1', 'n2', 'n3']);
    expect(clients).toEqual(['app']);
    expect(changes).toHaveLength(1);
    const { previous, cause, lostAt, suspectedAt, electionAt, electedAt, at } = changes[0]!;
    expect(cause?.words).toBe(`${previous} is killed`);
    const steps = [lostAt, suspectedAt, electionAt, electedAt, at];
    expect(steps).toEqual(steps.toSorted((one, other) => one! - other!));
    expect(gaps).toEqual([{ from: lostAt, to: at }]);
    expect(roles.filter(({ state }) => state === 'down').map(({ host }) => host)).toEqual([previous]);
    expect(messages.sent.length).toBeGreaterThan(200);
    expect(new Set(messages.class).size).toBeGreaterThan(3);
    for (const node of nodes) expect(applied[node]!.at(-1)![1]).toBe(applied.n1!.at(-1)![1]);
  });
});
