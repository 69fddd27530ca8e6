import { randomBytes } from 'node:crypto';
import type { AccountingResult, ListedMutation } from '@holdfast/check';
import type { Ack, Consistency } from '@holdfast/types';
import { Option } from 'commander';
import { clusterNodes } from '../cluster-nodes.ts';
import type { Context } from '../context.ts';
import { type DivergedWrite, fetchDiverged, listDiverged } from '../divergence/diverged-entries.ts';
import { appliedAmong } from '../divergence/listed-writes.ts';
import { EXIT, type ExitStatus } from '../exit-codes.ts';
import { type LoadEvent, LoadRun, type LoadTotals, type Measured, writersFor } from '../load/load-run.ts';
import { type Database, withDatabase } from '../open-database.ts';
import { clockTime } from '../render/event-text.ts';
import { afterPrefix } from '../reserved-keys.ts';
import { untilSignal } from '../signals.ts';
import { durationMs, wholeNumber } from '../values.ts';
import {
  addCommand,
  type ClusterOptions,
  type CommandSetup,
  clusterOf,
  examples,
  withClusterOptions,
} from './setup.ts';

interface LoadCommandOptions extends ClusterOptions {
  readonly rate: number;
  readonly writers?: number;
  readonly duration?: number;
  readonly ack?: Ack;
  readonly consistency?: Consistency;
  readonly gap?: number;
  readonly valueBytes: number;
  readonly keep?: true;
}

/** At a rate so low that two writes lie further apart, their distance is no gap. */
const GAP_MS = 50;
const INTERVALS_PER_GAP = 4;

const LINES_PER_HEAD = 20;
const HEAD = '         writes/s       p50       p99   reads/s       p50       p99';

/** `holdfast load`: writes and reads at a steady rate, and what became of every write. */
export function addLoadCommand(setup: CommandSetup): void {
  const { context, onStatus } = setup;
  const command = withClusterOptions(
    addCommand(setup, 'load', 'write and read at a steady rate, show every gap, count at the end'),
  )
    .option('--rate <count>', 'writes per second, and as many reads', wholeNumber(1, 'a rate'), 200)
    .option(
      '--writers <count>',
      'writes at the same time (default: those of 100 ms, 4 to 256)',
      wholeNumber(1, 'a number of writers'),
    )
    .option('--duration <duration>', 'how long (default: until Ctrl-C)', durationMs)
    .addOption(
      new Option('--ack <level>', 'level to reach (default: the one of the nodes)').choices([
        'local',
        'quorum',
        'all',
      ]),
    )
    .addOption(
      new Option('--consistency <level>', 'of the reads').choices(['linearizable', 'session', 'eventual']),
    )
    .option(
      '--gap <duration>',
      `show times without an acknowledgement from this on (default: ${GAP_MS}ms)`,
      durationMs,
    )
    .option('--value-bytes <count>', 'length of values', wholeNumber(0, 'a length'), 100)
    .option('--keep', 'leave the keys there')
    .action(async (options: LoadCommandOptions) => onStatus(await load(options, context)));
  examples(command, context, [
    'load',
    'load --rate 500 --duration 20s',
    'load --ack local --writers 16 --rate 5000',
  ]);
  command.addHelpText(
    'after',
    `
Latencies count from the moment a write was due, so what waits during a failover is counted.
Exit status 1: an acknowledged write was not found again.`,
  );
}

async function load(options: LoadCommandOptions, context: Context): Promise<ExitStatus> {
  return await withDatabase(options, context, async (database) => {
    const prefix = `load/${randomBytes(4).toString('hex')}/`;
    const intervalMs = 1000 / options.rate;
    const writers = options.writers ?? writersFor(options.rate);
    const run = new LoadRun(
      database,
      {
        rate: options.rate,
        writers,
        ack: options.ack,
        valueBytes: options.valueBytes,
        gapMs: options.gap ?? Math.max(GAP_MS, INTERVALS_PER_GAP * intervalMs),
        prefix,
      },
      reporterOf(options, context),
    );
    const signal = untilSignal();
    const totals = await run.run(
      options.duration === undefined ? signal.given : signal.within(options.duration),
    );
    signal.close();
    if (options.json !== true) reportTotals(totals, writers, context);
    const result = await run.account(await divergedOf(prefix, database, options, context));
    reportAccount(totals, result, options, context);
    if (result.ok && options.keep !== true) await clear(database, prefix);
    return result.ok ? EXIT.done : EXIT.refused;
  });
}

/** What the nodes list of the keys of this run. */
async function divergedOf(
  prefix: string,
  database: Database,
  options: LoadCommandOptions,
  context: Context,
): Promise<ListedMutation[]> {
  const nodes = await clusterNodes(clusterOf(options, context), options.timeout);
  const { entries, silent } = await listDiverged(nodes, Math.min(options.timeout, 2000));
  for (const { id, url } of silent) {
    context.output.words(`${id ?? url} does not answer: what it lost is listed when it is back`);
  }
  const lost: DivergedWrite[] = [];
  for (const entry of entries) lost.push(...(await fetchDiverged(entry, options.timeout)).writes);
  const ofRun = lost.filter(({ mutations }) =>
    mutations.some(({ key }) => key.toString().startsWith(prefix)),
  );
  const applied = await appliedAmong(ofRun, database);
  return ofRun.flatMap((write) =>
    write.mutations.map(({ key, value, revision }) => ({
      id: write.id,
      key: key.toString(),
      value: value?.toString(),
      revision,
      isReapplied: applied.has(write),
    })),
  );
}

async function clear(database: Database, prefix: string): Promise<void> {
  const first = Buffer.from(prefix);
  await database.clear({ gte: first, lt: afterPrefix(first) as Buffer });
}

function reporterOf({ json }: LoadCommandOptions, { output }: Context): (event: LoadEvent) => void {
  const errors = new Map<string, number>();
  return (event) => {
    if (json === true) return output.json(event);
    switch (event.kind) {
      case 'second':
        if (event.second % LINES_PER_HEAD === 1) output.line(HEAD);
        return output.line(
          `${String(event.second).padStart(5)} s  ${measuredText(event.writes)}  ${measuredText(event.reads)}`,
        );
      case 'gap':
        return output.line(
          `        gap of ${event.ms} ms without an acknowledged write, over at ${clockTime(event.endedAt)}`,
        );
      case 'error': {
        const count = (errors.get(event.code) ?? 0) + 1;
        errors.set(event.code, count);
        // The first of each kind, and then a sign that it goes on.
        if (count === 1) output.words(`${event.code}: ${event.message} (${event.outcome})`);
        else if (count % 1000 === 0) output.words(`${event.code}: ${count} times by now`);
        return;
      }
    }
  };
}

function measuredText({ count, p50Ms, p99Ms }: Measured): string {
  return `${String(count).padStart(8)} ${msText(p50Ms)} ${msText(p99Ms)}`;
}

function msText(ms: number | null): string {
  return `${ms === null ? '-' : ms < 10 ? ms.toFixed(1) : ms.toFixed(0)} ms`.padStart(9);
}

/** Before the count, which takes a cluster that answers. */
function reportTotals(totals: LoadTotals, writers: number, { output }: Context): void {
  const { seconds, writes, reads, gaps, skipped, staleReads } = totals;
  const rate = (count: number): number => Math.round(count / seconds);
  output.line('');
  output.line(`${seconds.toFixed(1)} s: ${summaryText('writes', writes, rate)}`);
  output.line(`       ${summaryText('reads', reads, rate)}`);
  output.line(gaps.length === 0 ? 'no gap' : `${gaps.length} gaps, the longest ${Math.max(...gaps)} ms`);
  if (skipped > 0)
    output.line(`${skipped} writes were not begun: ${writers} at a time could not keep up with the rate`);
  if (staleReads > 0) output.line(`${staleReads} reads did not find what had been acknowledged before them`);
}

function reportAccount(
  totals: LoadTotals,
  result: AccountingResult,
  options: LoadCommandOptions,
  { output }: Context,
): void {
  const { acknowledged, fates, failed, unknown, ok, lines } = result;
  if (options.json === true) {
    return output.json({ kind: 'summary', ok, ...totals, acknowledged, failed, unknown, fates });
  }
  for (const line of lines) output.line(line);
}

function summaryText(
  name: string,
  { count, p50Ms, p99Ms }: Measured,
  rate: (count: number) => number,
): string {
  return `${count} ${name} (${rate(count)}/s, p50 ${msText(p50Ms).trim()}, p99 ${msText(p99Ms).trim()})`;
}
