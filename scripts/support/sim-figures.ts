import { SteadyRun } from '@holdfast/sim';

const NODES = 3;
const LOADS = [0, 20];
/** Until the code that runs is compiled: 20 calls a second are few. */
const WARM_UP_MS = 300_000;
const MEASURED_MS = 300_000;

/** Prints how much faster than real time a cluster without faults runs on one core, idle and under a small load. */
export async function printSpeed(): Promise<void> {
  for (const callsPerSecond of LOADS) {
    const run = await SteadyRun.formed(NODES);
    if (callsPerSecond > 0) run.load(callsPerSecond);
    await run.advance(WARM_UP_MS);
    const events = run.events;
    const before = process.cpuUsage();
    await run.advance(MEASURED_MS);
    const { user, system } = process.cpuUsage(before);
    run.end();
    const cpuMs = (user + system) / 1000;
    const fired = run.events - events;
    console.log(
      `${NODES} nodes, ${callsPerSecond === 0 ? 'idle' : `${callsPerSecond} calls a virtual second`}: ` +
        `${(MEASURED_MS / cpuMs).toFixed(0)} times real time on one core, ` +
        `${((fired / MEASURED_MS) * 1000).toFixed(0)} events a virtual second, ` +
        `${((fired / cpuMs) * 1000).toFixed(0)} a second of processor time`,
    );
  }
}
