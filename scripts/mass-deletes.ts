// What others feel while very many keys expire at one moment, or are cleared, as a table for docs/figures.md.
// Run: node scripts/mass-deletes.ts [keys that expire] [keys that are cleared]
import { LocalCluster } from '../test/support/cluster/local-cluster.ts';
import {
  MASS_DELETE_TABLE_HEAD,
  type MassDeleteFigures,
  massDeleteRow,
  measureClear,
  measureExpiry,
} from '../test/support/load/mass-deletes.ts';
import { describeMachine } from './support/machine.ts';

const EXPIRING = Number(process.argv[2] ?? 1_000_000);
const CLEARED = Number(process.argv[3] ?? 100_000);
/** For each key: how long it may take to be put. */
const LOAD_MS = 0.12;

async function measure(work: (cluster: LocalCluster) => Promise<MassDeleteFigures>): Promise<string> {
  const cluster = await LocalCluster.make();
  try {
    await cluster.startAll();
    return massDeleteRow(await work(cluster));
  } catch (error) {
    console.error(cluster.logTails());
    throw error;
  } finally {
    await cluster.close();
  }
}

const rows = [
  await measure((cluster) => measureClear(cluster, CLEARED)),
  await measure((cluster) => measureExpiry(cluster, { keys: EXPIRING, loadMs: EXPIRING * LOAD_MS + 10_000 })),
];
console.log([describeMachine(), '', MASS_DELETE_TABLE_HEAD, ...rows].join('\n'));
