import { expect, it } from 'vitest';
import { DATABASE } from '../../src/faults/data-paths.ts';
import { FaultBench } from './support.ts';

const STORE = { where: 'store', forGood: true, forMs: 20_000, comeback: { awayMs: 10 } } as const;

it.each([
  ['sync', { kind: 'failedSync', ...STORE }],
  ['syncDirectory', { kind: 'failedEntry', operation: 'syncDirectory', isRestarted: false, ...STORE }],
] as const)(
  'A disk that fails for good to %s in a store does so in one run of its node',
  async (operation, fault) => {
    const bench = await FaultBench.formed(3);
    const machine = bench.standby;
    bench.inflict({ ...fault, node: machine.id });
    const struck = (): number => bench.world.struck.get(fault.kind) ?? 0;
    while (struck() === 0) await bench.write(1);
    // Before it comes to an end of its own.
    machine.kill();
    const inOneRun = struck();
    let tried = 0;
    bench.world.watchDisk(machine, ({ kind, path }) => {
      if (kind === operation && path.startsWith(`${DATABASE}/store`)) tried += 1;
    });
    machine.start();
    const { runs } = machine;
    while (tried === 0) await bench.write(1);
    await bench.level();
    expect(struck()).toBe(inOneRun);
    expect(machine.runs).toBe(runs);
    expect(bench.ends).toEqual([]);
  },
);
