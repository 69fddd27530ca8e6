import { expect, it } from 'vitest';
import { drawSchedule, runSchedule } from '../../src/index.ts';
import { Aftermath } from '../../src/run/aftermath.ts';
import { FaultBench } from '../faults/support.ts';

/** Of three nodes, and of five. */
const SEEDS = [1, 2];

it.each(['cut', 'unheard', 'deaf'] as const)(
  'a majority goes on, and the others stay %s for good (fault 9)',
  async (rest) => {
    for (const seed of SEEDS) {
      const { majority, clients, ...drawn } = drawSchedule(seed, ['kill', 'isolatePrimary']);
      const { nodes } = drawn.cluster;
      const least = Math.floor(nodes / 2) + 1;
      const lines: string[] = [];
      await runSchedule(
        { ...drawn, clients: clients.slice(0, 1), majority: majority.slice(0, least), rest },
        { print: (line) => lines.push(line) },
      );
      expect(lines.filter((line) => line.endsWith(', and stays so'))).toHaveLength(nodes - least);
    }
  },
);

const UNSEATED = { kind: 'liveness', oracle: 'a majority that goes on holds no election' };

it.each([
  ['nobody stands still', undefined, undefined],
  ['a standby stands still', ({ standby }: FaultBench) => standby.freeze(), undefined],
  ['the primary stands still', ({ cluster }: FaultBench) => cluster.primary!.freeze(), UNSEATED],
  [
    'the primary ends, and starts again',
    ({ cluster: { primary, clock } }: FaultBench) => {
      primary!.kill();
      clock.setTimer(100, () => primary!.start());
    },
    undefined,
  ],
])('a run where there is to be calm and %s (faults 9, 10, 12)', async (_, happens, failure) => {
  const bench = await FaultBench.formed(3);
  const { machines, clock } = bench.cluster;
  const { electionTimeoutMs } = bench.standby.config.timing;
  const aftermath = new Aftermath(bench.world, { majority: machines.map(({ id }) => id) });
  // The first five are to settle.
  clock.setTimer(6 * electionTimeoutMs, () => happens?.(bench));
  const found = await aftermath.staysCalm().catch((error: unknown) => error);
  if (failure === undefined) expect(found).toBeUndefined();
  else expect(found).toMatchObject(failure);
});
