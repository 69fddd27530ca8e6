// How much three node processes and one client process do on this machine, with fsync everywhere.
// Run: pnpm bench [seconds for each row]
import { LocalCluster } from '../test/support/cluster/local-cluster.ts';
import {
  measureThroughput,
  openRawClient,
  THROUGHPUT_TABLE_HEAD,
  type ThroughputPlan,
  throughputRow,
} from '../test/support/load/throughput.ts';
import { describeMachine } from './support/machine.ts';

const SECONDS = Number(process.argv[2] ?? 10);
/** What runs once a batch is compiled well only after thousands of batches. */
const WARM_UP_SECONDS = 2 * SECONDS;

const PLANS: readonly ThroughputPlan[] = [
  { kind: 'write', inFlight: 64, seconds: SECONDS },
  { kind: 'write', inFlight: 1, seconds: SECONDS },
  { kind: 'read', inFlight: 64, seconds: SECONDS },
  { kind: 'read', inFlight: 1, seconds: SECONDS },
];

const machine = describeMachine();
const cluster = await LocalCluster.make();
try {
  await cluster.startAll();
  const client = await openRawClient(cluster);
  console.log(`## Throughput

${machine}

Three node processes and one client process; 16-byte keys, 100-byte random values; each row for ${SECONDS} s, after ${WARM_UP_SECONDS} s
of the same load.

${THROUGHPUT_TABLE_HEAD}`);
  for (const plan of PLANS) {
    await measureThroughput(cluster, client, { ...plan, seconds: WARM_UP_SECONDS });
    console.log(throughputRow(await measureThroughput(cluster, client, plan)));
  }
  await client.close();
  await cluster.level();
} finally {
  await cluster.close();
}
