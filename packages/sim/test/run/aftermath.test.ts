import { expect, it } from 'vitest';
import { drawSchedule, runSchedule } from '../../src/index.ts';

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
