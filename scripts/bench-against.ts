// Whether this checkout is slower than another one: both clusters stand side by side and take turns, for this machine
// changes its speed within a minute. Run: node scripts/bench-against.ts DIRECTORY [pairs of rows]
// The directory: a checkout of another commit, with `pnpm install` done.
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import type * as Clusters from '../test/support/cluster/local-cluster.ts';
import { quantile } from '../test/support/load/failovers.ts';
import type * as Throughputs from '../test/support/load/throughput.ts';
import { describeMachine } from './support/machine.ts';

type Plan = Pick<Throughputs.ThroughputPlan, 'kind' | 'inFlight'>;

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

async function compare(plan: Plan, there: Side, here: Side, pairs: number): Promise<string> {
  for (let round = 0; round < WARM_UPS; round++)
    for (const side of [there, here]) await side.run(plan, WARM_UP_SECONDS);
  const rows: { there: number; here: number }[] = [];
  for (let pair = 0; pair < pairs; pair++) {
    const first = pair % 2 === 0 ? there : here;
    const before = await first.run(plan, ROW_SECONDS);
    const after = await (first === there ? here : there).run(plan, ROW_SECONDS);
    rows.push(first === there ? { there: before, here: after } : { there: after, here: before });
  }
  const ratios = rows.map((row) => row.here / row.there);
  const ratio = mean(ratios);
  const error = Math.sqrt(mean(ratios.map((one) => (one - ratio) ** 2)) / Math.max(1, pairs - 1));
  const cells = [
    plan.kind === 'write' ? 'writes at `quorum`' : 'linearizable reads',
    plan.inFlight,
    mean(rows.map((row) => row.there)).toFixed(0),
    mean(rows.map((row) => row.here)).toFixed(0),
    `${ratio.toFixed(3)} ± ${error.toFixed(3)}`,
    quantile(ratios, 0.5).toFixed(3),
  ];
  return `| ${cells.join(' | ')} |`;
}

function mean(numbers: readonly number[]): number {
  return numbers.reduce((sum, number) => sum + number, 0) / numbers.length;
}

const [directory, pairs = '16'] = process.argv.slice(2);
if (directory === undefined || !(Number(pairs) >= 1)) {
  console.error('Usage: node scripts/bench-against.ts DIRECTORY [pairs of rows]');
  process.exit(2);
}
const there = await open(directory);
try {
  const here = await open(resolve(import.meta.dirname, '..'));
  try {
    console.log(`${describeMachine()}\n`);
    console.log(
      `| calls | in flight | there | here | here of there, in ${pairs} pairs of ${ROW_SECONDS} s | median |`,
    );
    console.log('| --- | ---: | ---: | ---: | ---: | ---: |');
    for (const plan of PLANS) console.log(await compare(plan, there, here, Number(pairs)));
  } finally {
    await here.close();
  }
} finally {
  await there.close();
}
