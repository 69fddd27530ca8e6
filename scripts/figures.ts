// How long clients see no acknowledgement when a primary goes, as a table for docs/figures.md.
// Exits with 1 when an aim is missed, or a call failed or ended unknown.
// Run: pnpm figures [runs]   (needs root and iproute2 for the host that vanishes)
import { HostNetwork } from '../test/support/cluster/host-network.ts';
import { LocalCluster, type LocalClusterOptions } from '../test/support/cluster/local-cluster.ts';
import {
  FAILOVER_TABLE_HEAD,
  type FailoverFigures,
  type Fault,
  failoverMisses,
  failoverRow,
  KILL,
  measureFailovers,
  PAUSE,
  SWITCHOVER,
  vanishFrom,
} from '../test/support/load/failovers.ts';
import { describeMachine } from './support/machine.ts';

const RUNS = Number(process.argv[2] ?? 20);
const HOSTS = ['n1', 'n2', 'n3'];

async function measure(fault: Fault, options: LocalClusterOptions = {}): Promise<FailoverFigures> {
  const cluster = await LocalCluster.make({ rehearses: true, ...options });
  try {
    await cluster.startAll();
    return await measureFailovers({
      cluster,
      fault,
      runs: RUNS,
      onGap: ({ gapMs, longestCallMs, silenceMs, issuePauseMs }, run) =>
        console.error(
          `${fault.name} ${run + 1}/${RUNS}: gap ${gapMs.toFixed(0)} ms, longest call ${longestCallMs.toFixed(0)} ms, ` +
            `longest silence ${silenceMs.toFixed(0)} ms, longest pause of the writers ${issuePauseMs.toFixed(0)} ms`,
        ),
    });
  } catch (error) {
    console.error(cluster.logTails());
    throw error;
  } finally {
    await cluster.close();
  }
}

async function measureVanishing(): Promise<FailoverFigures> {
  const network = new HostNetwork(HOSTS);
  try {
    return await measure(vanishFrom(network), {
      hostOf: (id) => network.addressOf(id),
      launcherOf: (id) => network.launcherOf(id),
    });
  } finally {
    network.close();
  }
}

const machine = describeMachine();
const figures = [await measure(KILL), await measure(PAUSE)];
if (process.getuid?.() === 0) figures.push(await measureVanishing());
else console.error('the host that vanishes is left out: it needs root');
figures.push(await measure(SWITCHOVER));

console.log(`## Failover

${machine}

Three nodes with default settings, four writers at \`quorum\` of which each issues a write at least every 2 ms. A gap
goes from the fault to the first acknowledgement of a write issued after it, by the new primary. Each fault lands
with writes in flight and all nodes level; afterwards the stores of all nodes are equal. Writers paused for no longer
than is said: no time here is finer than that.

${FAILOVER_TABLE_HEAD}
${figures.map(failoverRow).join('\n')}
`);
const misses = figures.flatMap(failoverMisses);
for (const miss of misses) console.error(miss);
process.exitCode = misses.length === 0 ? 0 : 1;
