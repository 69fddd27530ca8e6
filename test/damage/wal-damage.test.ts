import { cpSync, rmSync } from 'node:fs';
import type { HoldfastError } from '@holdfast/client';
import { expect, test } from 'vitest';
import { ProcessCluster } from '../support/faults/process-cluster.ts';
import { waitUntil } from '../support/faults/wait-until.ts';
import { WalFiles } from '../support/faults/wal-files.ts';

const VALUES = 300;
/** Those, and one that is written again and again. */
const KEYS = VALUES + 1;
const VALUE = 'v'.repeat(900);
/** Small segments, so that there are many; and no election for want of a processor, which is not what is tested. */
const FLAGS = { segmentBytes: 65_536, electionTimeoutMs: 800 };
/** Kinds of damage that one cluster takes, one after the other. */
const DAMAGES_PER_CLUSTER = 4;

interface Damage {
  readonly name: string;
  readonly inflict: (files: WalFiles) => void;
  /** `healed`: back, level and counting. Else the reason for which it is out. */
  readonly outcome: 'healed' | 'hard-state-lost';
}

const DAMAGES: readonly Damage[] = [
  {
    name: 'a flipped bit in the middle of a sealed segment',
    inflict: (files) => files.flipBit(files.sealed(0.5), 0.5),
    outcome: 'healed',
  },
  {
    name: 'a flipped bit in the segment that is being written',
    inflict: (files) => files.flipBit(files.unsealed, 0.3),
    outcome: 'healed',
  },
  {
    name: 'a lost sector in a sealed segment',
    inflict: (files) => files.loseSector(files.sealed(0.7), 0.4),
    outcome: 'healed',
  },
  {
    name: 'a lost sector in the segment that is being written',
    inflict: (files) => files.loseSector(files.unsealed, 0.4),
    outcome: 'healed',
  },
  {
    name: 'several of both at once',
    inflict: (files) => {
      files.flipBit(files.sealed(0.2), 0.5);
      files.loseSector(files.sealed(0.2), 0.8);
      files.flipBit(files.sealed(1), 0.9);
      files.loseSector(files.unsealed, 0.2);
    },
    outcome: 'healed',
  },
  {
    name: 'the head of a sealed segment',
    inflict: (files) => files.loseHead(files.sealed(0.5)),
    outcome: 'healed',
  },
  {
    name: 'the head of the segment that is being written',
    inflict: (files) => files.loseHead(files.unsealed),
    outcome: 'healed',
  },
  {
    name: 'a sealed segment that is gone',
    inflict: (files) => files.loseFile(files.sealed(0.5)),
    outcome: 'healed',
  },
  {
    name: 'the oldest segment gone',
    inflict: (files) => files.loseFile(files.sealed(0)),
    outcome: 'healed',
  },
  {
    name: 'a mark of zeros at the end',
    inflict: (files) => files.zeroLastFrame(files.unsealed),
    outcome: 'healed',
  },
  {
    name: 'the tail cut off',
    inflict: (files) => files.truncate(files.unsealed, 0.5),
    outcome: 'hard-state-lost',
  },
  {
    name: 'the segment that was being written gone',
    inflict: (files) => files.loseFile(files.unsealed),
    outcome: 'hard-state-lost',
  },
  {
    name: 'all segments gone',
    inflict: (files) => {
      for (const path of files.segments) files.loseFile(path);
    },
    outcome: 'hard-state-lost',
  },
];

/** A log of several segments on every node. */
async function filled(): Promise<ProcessCluster> {
  const cluster = await ProcessCluster.start({ flags: FLAGS });
  const client = await cluster.client();
  for (let start = 0; start < VALUES; start += 20) {
    await Promise.all(
      Array.from({ length: 20 }, (_, offset) => client.put(`key-${start + offset}`, `${VALUE}${start}`)),
    );
  }
  await client.put('more', '', { ack: 'all' });
  await cluster.level(cluster.ids);
  return cluster;
}

/** Why a node is out, or that it is back and level with the others. */
async function outcomeOf(cluster: ProcessCluster, id: string): Promise<string> {
  const status = await cluster.until(
    id,
    'to be ready, or out',
    ({ ready, exclusion }) => ready || exclusion !== undefined,
  );
  if (status.exclusion !== undefined) return status.exclusion;
  // A verdict of the primary may still come: by the time a new write has reached the node it has.
  const primary = await cluster.primary();
  const { last } = await cluster.status(primary);
  const later = await cluster.until(
    id,
    'to follow, or be out',
    ({ exclusion, applied }) => exclusion !== undefined || applied >= last.index,
  );
  return later.exclusion ?? 'healed';
}

function inGroups<Item>(items: readonly Item[], size: number): (readonly Item[])[] {
  return Array.from({ length: Math.ceil(items.length / size) }, (_, group) =>
    items.slice(group * size, (group + 1) * size),
  );
}

// G16, and G15 for what cannot be healed.
test.each(inGroups(DAMAGES, DAMAGES_PER_CLUSTER).map((damages) => ({ damages })))(
  'damage to the log of one node is healed, or keeps the node out: $damages.0.name, and others',
  async ({ damages }) => {
    const cluster = await filled();
    const client = await cluster.client();
    const primary = await cluster.primary();
    const outcomes: string[] = [];
    const victims = cluster.ids.filter((id) => id !== primary);
    for (const [number, { name, inflict, outcome }] of damages.entries()) {
      const victim = victims[number % victims.length]!;
      await marked(cluster, victim);
      await cluster.kill(victim);
      const copy = `${cluster.data(victim)}.copy`;
      cpSync(cluster.data(victim), copy, { recursive: true });
      inflict(new WalFiles(cluster.data(victim)));
      await cluster.start(victim);
      const found = await outcomeOf(cluster, victim);
      outcomes.push(`${name}: ${found}${(await repairs(cluster, victim)) > 0 ? ', pulled from a peer' : ''}`);
      expect.soft(found, name).toBe(outcome);
      // A node that is out must not stand in the way, and one that is back must count.
      await client.put(`after ${name}`, 'x', { ack: found === 'healed' ? 'all' : 'quorum' });
      if (found !== 'healed') {
        // Nor does it count, and the primary says so, too.
        // A late answer comes to nobody: then it is asked again.
        await waitUntil(`the primary to say that not all have what is written: ${name}`, async () => {
          const all = client.put(`after ${name}`, 'x', { ack: 'all', timeoutMs: 500 });
          const code = await all.then(
            () => 'acknowledged',
            ({ code }: HoldfastError) => code,
          );
          expect(code, name).not.toBe('acknowledged');
          return code === 'HOLDFAST_ACK_NOT_REACHED';
        });
        await cluster.until(primary, `to say that ${victim} is out`, ({ peers }) =>
          peers.some((peer) => peer.id === victim && peer.exclusion === found),
        );
        await cluster.kill(victim);
        await cluster.start(victim);
        const after = await cluster.until(
          victim,
          'to be out still',
          ({ exclusion }) => exclusion !== undefined,
        );
        expect
          .soft(after)
          .toMatchObject({ exclusion: found, ready: false, notReadyReason: `excluded: ${found}` });
        await cluster.kill(victim);
        // The directory as it was: nothing was acknowledged since.
        rmSync(cluster.data(victim), { recursive: true });
        cpSync(copy, cluster.data(victim), { recursive: true });
        await cluster.start(victim);
      }
      rmSync(copy, { recursive: true });
      await cluster.level(cluster.ids);
    }
    console.log(outcomes.join('\n'));
    // What was healed is there for good, and good enough to go on from.
    for (const id of cluster.ids) await cluster.kill(id);
    await Promise.all(cluster.ids.map((id) => cluster.start(id)));
    await cluster.primary();
    const { keys } = await cluster.level(cluster.ids);
    expect(keys).toBe(KEYS + damages.length);
    for (const id of cluster.ids) expect((await cluster.status(id)).role, id).toMatch(/^(primary|standby)$/);
  },
);

/** What is in an idle log is sealed by a mark, unless the segment has no room for one: then a little more is written. */
async function marked(cluster: ProcessCluster, id: string): Promise<void> {
  const client = await cluster.client();
  for (let written = 0; !(await isMarked(cluster, id)); written++) {
    if (written === 20) throw new Error(`${id} never marks its log`);
    await client.put('more', `${written}`, { ack: 'all' });
  }
}

async function isMarked(cluster: ProcessCluster, id: string): Promise<boolean> {
  try {
    return await waitUntil('a mark', () => new WalFiles(cluster.data(id)).endsInMark, 300);
  } catch {
    return false;
  }
}

/** Holes that this run of the node has filled with what it pulled. */
async function repairs(cluster: ProcessCluster, id: string): Promise<number> {
  return cluster
    .log(id)
    .slice(cluster.log(id).lastIndexOf('node started'))
    .split('\n')
    .filter((line) => line.includes('"kind":"repair"') && line.includes('"state":"healed"')).length;
}

async function damageAll(
  cluster: ProcessCluster,
  damages: Readonly<Record<string, Damage['inflict']>>,
): Promise<void> {
  for (const id of Object.keys(damages)) await marked(cluster, id);
  for (const id of cluster.running) await cluster.kill(id);
  for (const [id, inflict] of Object.entries(damages)) inflict(new WalFiles(cluster.data(id)));
}

/**
 * To the one, to the other, and so many holes at least. A segment begins with another entry on each node: what lies two
 * further on is never the same.
 */
const DAMAGES_OF_TWO: readonly (readonly [Damage['inflict'], Damage['inflict'], number])[] = [
  [
    (files) => {
      files.flipBit(files.sealed(0.3), 0.2);
      files.loseSector(files.unsealed, 0.3);
    },
    (files) => {
      files.loseSector(files.sealed(0.5), 0.8);
      files.loseFile(files.sealed(0.7));
    },
    3,
  ],
  [
    (files) => {
      files.loseHead(files.sealed(0.3));
      files.flipBit(files.unsealed, 0.3);
    },
    (files) => {
      files.loseFile(files.sealed(0));
      files.flipBit(files.sealed(0.7), 0.5);
    },
    2,
  ],
  [
    (files) => {
      files.loseFile(files.sealed(0.3));
      files.zeroLastFrame(files.unsealed);
    },
    (files) => {
      files.loseSector(files.sealed(0.7), 0.5);
      files.loseHead(files.unsealed);
    },
    2,
  ],
];

// Together each kind that can be healed, with the other node damaged elsewhere.
test.each(DAMAGES_OF_TWO.map((damages, at) => ({ number: at + 1, damages })))(
  'two nodes damaged at different places heal from each other, with the third away ($number)',
  async ({ damages }) => {
    const cluster = await filled();
    const [one, two, away] = cluster.ids as [string, string, string];
    await damageAll(cluster, { [one]: damages[0], [two]: damages[1] });
    await Promise.all([cluster.start(one), cluster.start(two)]);
    await cluster.primary();
    const client = await cluster.client();
    await client.put('after', 'x');
    await cluster.start(away);
    const { keys } = await cluster.level(cluster.ids);
    expect(keys).toBe(KEYS + 1);
    const repaired = [await repairs(cluster, one), await repairs(cluster, two)];
    console.log(`holes filled from each other: ${repaired.join(' and ')}`);
    expect(repaired[0]! + repaired[1]!).toBeGreaterThanOrEqual(damages[2]);
  },
);

test('all three nodes damaged at different places heal from each other', async () => {
  const cluster = await filled();
  const [one, two, three] = cluster.ids as [string, string, string];
  await damageAll(cluster, {
    [one]: (files) => files.loseFile(files.sealed(0.2)),
    [two]: (files) => files.loseSector(files.sealed(0.5), 0.5),
    [three]: (files) => files.flipBit(files.unsealed, 0.2),
  });
  await Promise.all(cluster.ids.map((id) => cluster.start(id)));
  await cluster.primary();
  const { keys } = await cluster.level(cluster.ids);
  expect(keys).toBe(KEYS);
});
