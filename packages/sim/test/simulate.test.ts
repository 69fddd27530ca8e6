import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Core } from '@holdfast/core';
import { Node, type NodeDigest } from '@holdfast/server';
import { assert } from '@holdfast/types';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { SimMachine } from '../src/cluster/sim-machine.ts';
import { FAULT_KINDS } from '../src/faults/fault-types.ts';
import { type SimulateOptions, type Simulation, SimulationFailure, simulate } from '../src/index.ts';
import { BoundedQueues } from '../src/oracles/bounded-queues.ts';
import { StateMachineSafety } from '../src/oracles/state-machine-safety.ts';

afterEach(() => vi.restoreAllMocks());

async function failureOf(
  options: SimulateOptions,
  body: (simulation: Simulation) => Promise<unknown>,
): Promise<SimulationFailure> {
  const error = await simulate(options, body).then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(SimulationFailure);
  return error as SimulationFailure;
}

describe('simulate', () => {
  it('gives the body a real client, and its result back', async () => {
    const { result, virtualMs } = await simulate({ seed: 1 }, async ({ client, cluster }) => {
      expect(cluster.nodes).toEqual(['n1', 'n2', 'n3']);
      const db = client<string, { name: string }>({ valueEncoding: 'json', namespace: 'users' });
      await db.put('ada', { name: 'Ada' }, { ack: 'all' });
      return db.get('ada');
    });
    expect(result).toEqual({ name: 'Ada' });
    expect(virtualMs).toBeGreaterThan(0);
  });

  it('does the same for the same seed, alone or beside others, and something else for another', async () => {
    const lines: string[] = [];
    const run = async (seed: number): Promise<string> => {
      const options = {
        seed,
        faults: { kill: 2, stall: 20, powerOff: 1 },
        trace: (line: string) => lines.push(line),
      };
      const { digest } = await simulate(options, async ({ client, clock, random, note }) => {
        const db = client();
        for (let call = 0; call < 10; call += 1) {
          await clock.sleep(random.integer(1, 200));
          await db.put(random.pick(['a', 'b']), String(random.next()));
        }
        note('all is written');
      });
      return digest;
    };
    const alone = await run(5);
    expect(lines.some((line) => line.endsWith('note: all is written'))).toBe(true);
    expect(await Promise.all([run(5), run(6), run(5)])).toEqual([
      alone,
      expect.not.stringMatching(alone),
      alone,
    ]);
  });

  it('draws faults at the given rates until the cluster recovers', async () => {
    const { faults } = await simulate(
      { seed: 3, faults: { kill: 5, freeze: 5 } },
      async ({ cluster, clock }) => {
        await clock.sleep(2000);
        await cluster.recover();
        const boots = cluster.nodes.map((node) => cluster.status(node)?.boot);
        await clock.sleep(2000);
        expect(cluster.nodes.map((node) => cluster.status(node)?.boot)).toEqual(boots);
      },
    );
    expect([...faults.keys()].sort()).toEqual(['freeze', 'kill']);
    expect([...faults.values()].reduce((sum, count) => sum + count)).toBeGreaterThan(8);
  });

  it('lets planned faults strike when they are due, and end', async () => {
    await simulate(
      {
        seed: 4,
        faults: [
          { afterMs: 100, kind: 'kill', node: 'primary', forMs: 1000 },
          { afterMs: 2000, kind: 'freeze', node: 'standby', forMs: 100 },
          { afterMs: 2500, kind: 'isolate', node: 'n3', forMs: 500 },
          { afterMs: 3500, kind: 'switchover' },
        ],
      },
      async ({ cluster, clock, client }) => {
        const db = client();
        const first = await cluster.waitForPrimary();
        await clock.sleep(99);
        expect(cluster.primary).toBe(first);
        await clock.sleep(2);
        expect(cluster.status(first)).toBeUndefined();
        const second = await cluster.waitForPrimary();
        expect(second).not.toBe(first);
        await clock.sleep(1200);
        expect(cluster.status(first)).toMatchObject({ role: 'standby', primary: second });
        await clock.sleep(2000);
        const before = await cluster.waitForPrimary();
        await cluster.until(
          'the primary has handed over',
          () => ![undefined, before].includes(cluster.primary),
        );
        await db.put('key', 'value');
      },
    );
  });

  it('ends planned faults that have not struck when the cluster recovers', async () => {
    await simulate(
      { seed: 5, faults: [{ afterMs: 500, kind: 'powerOff', node: 'primary' }] },
      async ({ cluster, clock }) => {
        const primary = await cluster.waitForPrimary();
        await cluster.recover();
        await clock.sleep(1000);
        expect(cluster.primary).toBe(primary);
      },
    );
  });

  it('works with clusters of 1 to 7 nodes, and links as slow as told', async () => {
    for (const nodes of [1, 7]) {
      const latencyMs = { min: 20, max: 20 };
      await simulate({ seed: 6, nodes, latencyMs }, async ({ client, clock, cluster }) => {
        expect(cluster.nodes).toHaveLength(nodes);
        const db = client();
        await db.put('key', 'value');
        const since = clock.now();
        expect(await db.get('key')).toBe('value');
        expect(clock.now() - since).toBeGreaterThanOrEqual(40);
      });
    }
  });
});

describe('The cluster of a simulation', () => {
  it('replaces a primary that is killed, frozen, cut off or without power, and keeps what it acknowledged', async () => {
    await simulate({ seed: 7 }, async ({ client, cluster }) => {
      const db = client();
      for (const fault of ['kill', 'powerOff', 'freeze', 'isolate'] as const) {
        const old = await cluster.waitForPrimary();
        await db.put(fault, 'value');
        cluster[fault](old);
        await cluster.until('there is another', () => ![undefined, old].includes(cluster.primary));
        expect(await db.getMany(['kill', fault])).toEqual(['value', 'value']);
        await cluster.recover();
        expect(cluster.standbys).toContain(old);
      }
    });
  });

  it('loses what was not synced with the power of all, but nothing acknowledged', async () => {
    await simulate({ seed: 8 }, async ({ client, cluster }) => {
      const db = client();
      for (const keep of ['nothing', 'drawn', 'all'] as const) {
        await db.put(keep, 'value');
        for (const node of cluster.nodes) cluster.powerOff(node, { keep });
        expect(cluster.primary).toBeUndefined();
        for (const node of cluster.nodes) cluster.start(node);
        await cluster.waitForPrimary();
        expect(await db.get(keep)).toBe('value');
      }
    });
  });

  it('cuts and heals links between nodes and hosts of the application', async () => {
    await simulate({ seed: 9, hosts: ['one', 'other'] }, async ({ client, cluster }) => {
      const [one, other] = [client({ timeoutMs: 500 }), client({ host: 'other', timeoutMs: 500 })];
      await one.put('key', 'value');
      expect(await other.get('key')).toBe('value');
      for (const node of cluster.nodes) cluster.cut('other', node);
      await expect(other.get('key')).rejects.toMatchObject({ outcome: 'not-applied' });
      expect(await one.get('key')).toBe('value');
      for (const node of cluster.nodes) cluster.heal('other', node);
      expect(await other.get('key', { timeoutMs: 10_000 })).toBe('value');
      cluster.isolate('one', { except: [cluster.primary!] });
      expect(await one.get('key', { timeoutMs: 10_000 })).toBe('value');
      cluster.rejoin('one');
    });
  });

  it('lets a process of the application stand still: no answer and no timer gets through', async () => {
    await simulate({ seed: 10, hosts: ['a', 'b'] }, async ({ client, cluster, clock, seams }) => {
      const [stopped, other] = [client({ host: 'a' }), client({ host: 'b' })];
      await stopped.put('key', 'before');
      let hasFired = false;
      seams('a').clock.setTimer(50, () => {
        hasFired = true;
      });
      let hasAnswer = false;
      const put = stopped.put('key', 'value').then(() => {
        hasAnswer = true;
      });
      cluster.freeze('a');
      await clock.sleep(1000);
      expect([hasFired, hasAnswer]).toEqual([false, false]);
      // What it had sent was done.
      expect(await other.get('key')).toBe('value');
      await cluster.recover();
      await put;
      await cluster.until('its timer to fire', () => hasFired);
    });
  });

  it('hands over on order, to the node named', async () => {
    await simulate({ seed: 10 }, async ({ cluster, clock }) => {
      await clock.sleep(500);
      const target = await cluster.waitForStandby();
      await cluster.switchover(target);
      expect(await cluster.waitForPrimary()).toBe(target);
      for (const node of cluster.nodes) cluster.kill(node);
      await expect(cluster.switchover()).rejects.toMatchObject({ code: 'HOLDFAST_NO_PRIMARY' });
    });
  });

  it('takes no more than fits on full disks, and goes on when there is room', async () => {
    await simulate({ seed: 11 }, async ({ client, cluster }) => {
      const db = client({ timeoutMs: 1000 });
      for (const node of cluster.nodes) cluster.fillDisk(node);
      const writeOn = async (): Promise<never> => {
        for (;;) await db.put('key', 'value'.repeat(2000));
      };
      await expect(writeOn()).rejects.toMatchObject({ name: 'HoldfastError' });
      for (const node of cluster.nodes) cluster.freeDisk(node);
      await cluster.waitForPrimary({ limitMs: 20_000 });
      await db.put('key', 'value');
    });
  });

  it('knows its nodes and hosts by name', async () => {
    await simulate({ seed: 12 }, async ({ cluster, client, seams }) => {
      expect(() => cluster.kill('n4')).toThrow('there is no node n4: there are n1 n2 n3');
      expect(() => cluster.cut('n1', 'other')).toThrow('there is no host other');
      expect(() => client({ host: 'other' })).toThrow('there is no host other: there are app');
      expect(() => seams('other')).toThrow('there is no host other');
    });
  });
});

it('documents every kind of fault that can be drawn', () => {
  const page = readFileSync(join(import.meta.dirname, '../../../docs/testing.md'), 'utf8');
  const missing = FAULT_KINDS.filter((kind) => !page.includes(`\`${kind}\``));
  expect(missing).toEqual([]);
});

describe('A simulation that fails', () => {
  it('tells an error of the body, with its seed, time and cause', async () => {
    const cause = new Error('sold twice');
    const failure = await failureOf({ seed: 20 }, async ({ clock }) => {
      await clock.sleep(100);
      throw cause;
    });
    expect(failure).toMatchObject({ kind: 'body', seed: 20, cause });
    expect(failure.message).toMatch(/^seed 20 failed at \d+\.\d ms \(body\): sold twice$/);
  });

  it('tells an error that the body throws at once, or in a timer of its own', async () => {
    const atOnce = await failureOf({ seed: 21 }, () => {
      throw new Error('at once');
    });
    const inTimer = await failureOf({ seed: 21 }, async ({ clock }) => {
      clock.setTimer(50, () => {
        throw new Error('in a timer');
      });
      await clock.sleep(100);
    });
    expect([atOnce, inTimer].map(({ kind }) => kind)).toEqual(['body', 'body']);
    expect((inTimer.cause as Error).message).toBe('in a timer');
  });

  it('tells that virtual time ran out: for the body, or for what it waited for', async () => {
    const body = await failureOf({ seed: 22, limitMs: 500 }, () => new Promise(() => {}));
    expect(body).toMatchObject({ kind: 'time', seed: 22 });
    expect(body.message).toContain('500 ms of virtual time have passed');
    const wait = await failureOf({ seed: 22 }, async ({ cluster }) => {
      for (const node of cluster.nodes) cluster.kill(node);
      await cluster.waitForPrimary({ limitMs: 300 });
    });
    expect(wait).toMatchObject({ kind: 'time' });
    expect(wait.message).toContain('not so after 300 ms: there is a primary');
  });

  it('tells a broken promise: nodes that end with different data', async () => {
    const digestOf = Node.prototype.digest;
    vi.spyOn(Node.prototype, 'digest').mockImplementation(async function (this: Node): Promise<NodeDigest> {
      const found = await digestOf.call(this);
      return this.status().id === 'n2' ? { ...found, digest: 'another' } : found;
    });
    const failure = await failureOf({ seed: 23 }, async ({ client }) => client().put('key', 'value'));
    expect(failure).toMatchObject({ kind: 'oracle', seed: 23 });
    expect(failure.message).toContain('hold different data');
  });

  it('tells a promise broken on the way, before what the body makes of it', async () => {
    const check = Core.prototype.checkInvariants;
    let steps = 0;
    vi.spyOn(Core.prototype, 'checkInvariants').mockImplementation(function (this: Core): void {
      check.call(this);
      steps += 1;
      assert(steps !== 500, 'commit is above the end of the log');
    });
    const failure = await failureOf({ seed: 24 }, async ({ clock }) => {
      await clock.sleep(5000);
      throw new Error('too late');
    });
    expect(failure).toMatchObject({ kind: 'oracle', seed: 24 });
    expect(failure.message).toContain('commit is above the end of the log');
  });

  const WORDS = 'broken on purpose';
  const breaks = (): never => {
    throw new TypeError(WORDS);
  };

  it('tells an error of the simulator: of an oracle, of a drawn fault, of what the body calls', async () => {
    const idle = async ({ clock }: Simulation): Promise<void> => clock.sleep(2000);
    vi.spyOn(BoundedQueues.prototype, 'onStep').mockImplementation(breaks);
    const ofOracle = await failureOf({ seed: 26 }, idle);
    vi.restoreAllMocks();
    vi.spyOn(SimMachine.prototype, 'kill').mockImplementation(breaks);
    const ofFault = await failureOf({ seed: 26, faults: { kill: 5 } }, idle);
    const ofPlan = await failureOf(
      { seed: 26, faults: [{ afterMs: 100, kind: 'kill', node: 'primary' }] },
      idle,
    );
    const ofCall = await failureOf({ seed: 26 }, async ({ cluster }) => cluster.kill('n1'));
    vi.restoreAllMocks();
    vi.spyOn(StateMachineSafety.prototype, 'checkDigests').mockImplementation(breaks);
    const ofEnd = await failureOf({ seed: 26 }, idle);
    for (const failure of [ofOracle, ofFault, ofPlan, ofCall, ofEnd])
      expect(failure).toMatchObject({ kind: 'simulator', cause: { message: WORDS } });
  });

  it('does not take for that what the application gets wrong, or what a node refuses it', async () => {
    const ofName = await failureOf({ seed: 27 }, async ({ cluster }) => cluster.kill('n9'));
    const ofPlan = await failureOf(
      { seed: 27, faults: [{ afterMs: 100, kind: 'kill', node: 'n9' }] },
      async ({ clock }) => clock.sleep(500),
    );
    const ofCondition = await failureOf({ seed: 27 }, async ({ cluster }) => cluster.until('never', breaks));
    const ofTrace = await failureOf({ seed: 27, trace: breaks }, async () => {});
    const refused = await failureOf({ seed: 27 }, async ({ cluster }) => {
      for (const node of cluster.nodes) cluster.kill(node);
      await cluster.switchover();
    });
    const failures = [ofName, ofPlan, ofCondition, ofTrace, refused];
    expect(failures.map(({ kind }) => kind)).toEqual(failures.map(() => 'body'));
    expect(refused.cause).toMatchObject({ code: 'HOLDFAST_NO_PRIMARY' });
  });

  it('tells a node that broke when the end was judged', async () => {
    vi.spyOn(Node.prototype, 'digest').mockImplementation(async () => breaks());
    const failure = await failureOf({ seed: 28 }, async () => {});
    expect(failure).toMatchObject({ kind: 'crash', cause: { message: WORDS } });
  });

  it('tells a node that broke', async () => {
    const step = Core.prototype.step;
    let steps = 0;
    vi.spyOn(Core.prototype, 'step').mockImplementation(function (this: Core, input, now) {
      steps += 1;
      if (steps === 300) throw new Error('out of order');
      return step.call(this, input, now);
    });
    const failure = await failureOf({ seed: 25 }, async ({ clock }) => clock.sleep(5000));
    expect(failure).toMatchObject({ kind: 'crash', seed: 25 });
    expect(failure.message).toMatch(/the core of n\d broke: out of order/);
  });
});
