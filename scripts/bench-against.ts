// Whether this checkout is slower than another one: both clusters stand side by side and take turns, for this machine
// changes its speed within a minute, and several times over, for so does each cluster.
// Run: node scripts/bench-against.ts DIRECTORY [--clusters 6] [--only write@64]
// The directory: a checkout of another commit, with `pnpm install` done.
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';
import type * as Clusters from '../test/support/cluster/local-cluster.ts';
import type * as Throughputs from '../test/support/load/throughput.ts';
import { describeMachine } from './support/machine.ts';

type Plan = Pick<Throughputs.ThroughputPlan, 'kind' | 'inFlight'>;

/** Calls a second of the two sides. */
interface Pair {
  readonly there: number;
  readonly here: number;
}

const PAIRS = 4;
const ROW_SECONDS = 2;
const WARM_UP_SECONDS = 6;
const WARM_UPS = 3;
const PLANS: readonly Plan[] = [
  { kind: 'write', inFlight: 64 },
  { kind: 'write', inFlight: 1 },
  { kind: 'read', inFlight: 64 },
];

interface Side {
  run(plan: Plan, seconds: number): Promise<number>;
  close(): Promise<void>;
}

async function open(directory: string): Promise<Side> {
  const from = (path: string) => import(pathToFileURL(resolve(directory, path)).href);
  const { LocalCluster }: typeof Clusters = await from('test/support/cluster/local-cluster.ts');
  const { measureThroughput, openRawClient }: typeof Throughputs = await from(
    'test/support/load/throughput.ts',
  );
  const cluster = await LocalCluster.make({ rehearses: true });
  try {
    await cluster.startAll();
    const client = await openRawClient(cluster);
    return {
      run: async (plan, seconds) =>
        (await measureThroughput(cluster, client, { ...plan, seconds })).perSecond,
      close: async () => {
        await client.close();
        await cluster.close();
      },
    };
  } catch (error) {
    await cluster.close();
    throw error;
  }
}

/** What two new clusters, side by side, do in pairs of rows: the calls a second of each, on average. */
async function comparePairs(plan: Plan, there: Side, here: Side): Promise<Pair> {
  for (let round = 0; round < WARM_UPS; round++)
    for (const side of [there, here]) await side.run(plan, WARM_UP_SECONDS);
  const rows: Pair[] = [];
  for (let pair = 0; pair < PAIRS; pair++) {
    const first = pair % 2 === 0 ? there : here;
    const before = await first.run(plan, ROW_SECONDS);
    const after = await (first === there ? here : there).run(plan, ROW_SECONDS);
    rows.push(first === there ? { there: before, here: after } : { there: after, here: before });
  }
  return { there: mean(rows.map((row) => row.there)), here: mean(rows.map((row) => row.here)) };
}

/** The error is that between clusters: two of the same code differ by several percent as long as they run. */
function row({ kind, inFlight }: Plan, results: readonly Pair[]): string {
  const ratios = results.map((one) => one.here / one.there);
  const ratio = mean(ratios);
  const error = Math.sqrt(mean(ratios.map((one) => (one - ratio) ** 2)) / Math.max(1, ratios.length - 1));
  const cells = [
    kind === 'write' ? 'writes at `quorum`' : 'linearizable reads',
    inFlight,
    mean(results.map((one) => one.there)).toFixed(0),
    mean(results.map((one) => one.here)).toFixed(0),
    `${ratio.toFixed(3)} ± ${error.toFixed(3)}`,
    ratios.map((one) => one.toFixed(2)).join(', '),
  ];
  return `| ${cells.join(' | ')} |`;
}

function mean(numbers: readonly number[]): number {
  return numbers.reduce((sum, number) => sum + number, 0) / numbers.length;
}

const { values, positionals } = parseArgs({
  options: { clusters: { type: 'string', default: '6' }, only: { type: 'string' } },
  allowPositionals: true,
});
const [directory] = positionals;
const clusters = Number(values.clusters);
const plans = PLANS.filter(
  ({ kind, inFlight }) => values.only === undefined || values.only === `${kind}@${inFlight}`,
);
if (directory === undefined || !(clusters >= 1) || plans.length === 0) {
  console.error('Usage: node scripts/bench-against.ts DIRECTORY [--clusters 6] [--only write@64]');
  process.exit(2);
}
const results = plans.map((plan) => ({ plan, pairs: [] as Pair[] }));
for (let made = 0; made < clusters; made++) {
  const there = await open(directory);
  try {
    const here = await open(resolve(import.meta.dirname, '..'));
    try {
      for (const { plan, pairs } of results) pairs.push(await comparePairs(plan, there, here));
    } finally {
      await here.close();
    }
  } finally {
    await there.close();
  }
}
console.log(`${describeMachine()}

| calls | in flight | there | here | here of there, ${clusters} times two new clusters | each |
| --- | ---: | ---: | ---: | ---: | --- |`);
for (const { plan, pairs } of results) console.log(row(plan, pairs));
