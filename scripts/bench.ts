// How much three node processes and one client process do on this machine, with fsync everywhere.
// Exits with 1 when an aim is missed.
// Run: pnpm bench [seconds for each row]
import { makeDataDirectory } from '../test/support/cluster/data-directory.ts';
import { LocalCluster } from '../test/support/cluster/local-cluster.ts';
import {
  measureThroughput,
  openRawClient,
  randomKey,
  randomValue,
  THROUGHPUT_TABLE_HEAD,
  type ThroughputPlan,
  throughputRow,
} from '../test/support/load/throughput.ts';
import { BareCluster } from './bare/bare-cluster.ts';
import { describeMachine } from './support/machine.ts';

const SECONDS = Number(process.argv[2] ?? 10);
/** What runs once a batch is compiled well only after many thousands of batches: half of all is to be had after half a minute. */
const WARM_UP_SECONDS = 4 * SECONDS;

const PLANS: readonly ThroughputPlan[] = [
  { kind: 'write', inFlight: 64, seconds: SECONDS, aimPerSecond: 25_000 },
  { kind: 'write', inFlight: 1, seconds: SECONDS, aimPerSecond: 1000 },
  { kind: 'read', inFlight: 64, seconds: SECONDS, aimPerSecond: 40_000 },
  { kind: 'read', inFlight: 1, seconds: SECONDS },
];

/** Writes a second of the bare cluster, by writes in flight. */
async function measureBare(): Promise<Map<number, number>> {
  const bare = new BareCluster(makeDataDirectory());
  const perSecond = new Map<number, number>();
  try {
    await bare.start();
    for (const { inFlight, kind } of PLANS) {
      if (kind === 'write') perSecond.set(inFlight, await bareWrites(bare, inFlight));
    }
  } finally {
    await bare.close();
  }
  return perSecond;
}

async function bareWrites(bare: BareCluster, inFlight: number): Promise<number> {
  let count = 0;
  const startAt = performance.now() + WARM_UP_SECONDS * 1000;
  const endAt = startAt + SECONDS * 1000;
  const worker = async (): Promise<void> => {
    for (let now = performance.now(); now < endAt; now = performance.now()) {
      await bare.put(randomKey(), randomValue());
      if (now >= startAt) count += 1;
    }
  };
  await Promise.all(Array.from({ length: inFlight }, worker));
  return count / SECONDS;
}

const machine = describeMachine();
const bare = await measureBare();
const cluster = await LocalCluster.make({ rehearses: true });
try {
  await cluster.startAll();
  const client = await openRawClient(cluster);
  console.log(`## Throughput

${machine}

Three node processes and one client process; 16-byte keys, 100-byte random values; each row for ${SECONDS} s, after ${WARM_UP_SECONDS} s
of the same load.

${THROUGHPUT_TABLE_HEAD}`);
  const ratios: string[] = [];
  for (const plan of PLANS) {
    await measureThroughput(cluster, client, { ...plan, seconds: WARM_UP_SECONDS });
    const figures = await measureThroughput(cluster, client, plan);
    console.log(throughputRow(figures));
    if (!(figures.perSecond >= (plan.aimPerSecond ?? 0))) process.exitCode = 1;
    const base = bare.get(plan.inFlight);
    if (plan.kind === 'write' && base !== undefined)
      ratios.push(
        `at ${plan.inFlight} in flight ${(figures.perSecond / base).toFixed(2)} of ${base.toFixed(0)}/s`,
      );
  }
  console.log(`
Against a bare primary and two standbys out of the same libraries, which log, sync, replicate and apply batches and do
nothing else (scripts/bare), measured in the same run: ${ratios.join(', ')}.`);
  await client.close();
  await cluster.level();
} finally {
  await cluster.close();
}
