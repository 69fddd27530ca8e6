import { clusterNodes, fetchRows } from '../cluster-nodes.ts';
import type { Context } from '../context.ts';
import { EXIT, type ExitStatus } from '../exit-codes.ts';
import { isAnswering, type NodeRow } from '../node-row.ts';
import { LiveScreen } from '../render/live-screen.ts';
import { nodeTable } from '../render/node-table.ts';
import { type Paint, paintFor } from '../render/style.ts';
import { untilSignal } from '../signals.ts';
import { durationMs } from '../values.ts';
import {
  addCommand,
  type ClusterOptions,
  type CommandSetup,
  clusterOf,
  examples,
  withClusterOptions,
} from './setup.ts';

/** A node that lives answers in a fraction of it; one that hangs is not waited for. */
const ANSWER_MS_MAX = 1000;
const INTERVAL_MS = 500;

interface StatusOptions extends ClusterOptions {
  readonly watch?: true;
  readonly interval?: number;
}

/** `holdfast status`: a line for each node. */
export function addStatusCommand(setup: CommandSetup): void {
  const { context, onStatus } = setup;
  const command = withClusterOptions(
    addCommand(setup, 'status', 'roles, terms, log positions and lag of all nodes'),
  )
    .option('--watch', 'again and again, until Ctrl-C')
    .option('--interval <duration>', 'with --watch (default: 500ms)', durationMs)
    .action(async (options: StatusOptions) => onStatus(await status(options, context)));
  examples(command, context, [
    'status',
    'status --watch',
    'status --json | jq -r \'select(.role=="primary").id\'',
  ]);
}

async function status(options: StatusOptions, context: Context): Promise<ExitStatus> {
  const { output } = context;
  const timeoutMs = Math.min(options.timeout, ANSWER_MS_MAX);
  const cluster = clusterOf(options, context);
  const paint = paintFor(output.hasColour);
  if (options.watch !== true) {
    const rows = await fetchRows(await clusterNodes(cluster, timeoutMs), timeoutMs);
    for (const line of statusLines(rows, options, paint)) output.line(line);
    if (rows.some(isAnswering)) return EXIT.done;
    output.words('HOLDFAST_NO_PRIMARY: no node answers');
    return EXIT.unreachable;
  }
  const screen = output.isLive && options.json !== true ? new LiveScreen(output.stdout) : undefined;
  const signal = untilSignal();
  while (!signal.isGiven) {
    const rows = await fetchRows(await clusterNodes(cluster, timeoutMs), timeoutMs);
    const lines = statusLines(rows, options, paint);
    if (screen === undefined) for (const line of lines) output.line(line);
    else screen.draw(lines);
    await signal.within(options.interval ?? INTERVAL_MS);
  }
  signal.close();
  screen?.close();
  return EXIT.done;
}

function statusLines(rows: readonly NodeRow[], options: StatusOptions, paint: Paint): string[] {
  if (options.json === true) return rows.map((row) => JSON.stringify(row));
  const troubles = rows.filter((row) => row.reason !== null && isAnswering(row));
  const diverged = Math.max(0, ...rows.map((row) => row.diverged ?? 0));
  return [
    ...nodeTable(rows, paint),
    ...troubles.map(({ id, reason }) => paint('yellow', `${id} is not ready: ${reason}`)),
    ...(diverged > 0 ? [paint('yellow', 'writes are listed as diverged: see divergence list')] : []),
  ];
}
