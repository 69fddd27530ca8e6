import { HoldfastError } from '@holdfast/types';
import { clusterNodes } from '../cluster-nodes.ts';
import { confirm } from '../confirm.ts';
import type { Context } from '../context.ts';
import { CallResults } from '../divergence/call-results.ts';
import {
  chooseEntries,
  type DivergedEntry,
  type DivergedWrite,
  type ListedEntry,
  listDiverged,
} from '../divergence/diverged-entries.ts';
import { ListedWrites, progressAmong } from '../divergence/listed-writes.ts';
import type { Progress } from '../divergence/marks.ts';
import { endsRun, Reapplication, type ReapplyDatabase } from '../divergence/reapply.ts';
import { reportReapplied, shown, statusOf, worstOf } from '../divergence/reapply-report.ts';
import { EXIT, type ExitStatus } from '../exit-codes.ts';
import { describeError } from '../hints.ts';
import { callHttp } from '../node-http.ts';
import type { SilentNode } from '../node-row.ts';
import { withDatabase } from '../open-database.ts';
import { printTable } from '../render/table.ts';
import { fromBytes } from '../values.ts';
import {
  addCommand,
  type ClusterOptions,
  type CommandSetup,
  clusterOf,
  examples,
  withClusterOptions,
} from './setup.ts';

interface ChosenOptions extends ClusterOptions {
  readonly all?: true;
  readonly force?: true;
  readonly yes?: true;
}

const NODE_MS_MAX = 2000;

/** `holdfast divergence`: what `local` writes a failover took away, and what to do about it. */
export function addDivergenceCommands(setup: CommandSetup): void {
  const { context, onStatus } = setup;
  const group = setup.program
    .command('divergence')
    .description('writes that a failover took away: list, show, apply again, discard');
  const nested = { ...setup, program: group };
  examples(group, context, ['divergence list', 'divergence show default.1042.3', 'divergence reapply --all']);

  const list = withClusterOptions(
    addCommand(nested, 'list', 'the entries that any node lists, oldest first'),
  );
  list.action((options: ClusterOptions) => printList(options, context));
  examples(list, context, ['divergence list', 'divergence list --json']);

  const show = withClusterOptions(
    addCommand(nested, 'show <id>', 'the writes of one entry, and what became of them'),
  );
  show.action((id: string, options: ClusterOptions) => printEntry(id, options, context));
  examples(show, context, ['divergence show default.1042.3']);

  const again = withClusterOptions(
    addCommand(nested, 'reapply [ids...]', 'apply lost writes again, at quorum, each once whoever asks'),
  )
    .option('--all', 'all that are listed, oldest first')
    .option('--force', 'over what was written since, and where nobody knows whether it survived');
  again.action(async (ids: string[], options: ChosenOptions) =>
    onStatus(await reapplyAll(ids, options, context)),
  );
  examples(again, context, ['divergence reapply default.1042.3', 'divergence reapply --all']);

  const discard = withClusterOptions(
    addCommand(nested, 'discard [ids...]', 'forget entries, for good, on all nodes'),
  )
    .option('--all', 'all that are listed')
    .option('--yes', 'do not ask');
  discard.action((ids: string[], options: ChosenOptions) => discardAll(ids, options, context));
  examples(discard, context, ['divergence discard default.1042.3', 'divergence discard --all --yes']);
}

interface Listed {
  /** Those that answer. */
  readonly nodes: readonly SilentNode[];
  readonly entries: readonly ListedEntry[];
  readonly writes: ListedWrites;
}

async function listed(options: ClusterOptions, context: Context): Promise<Listed> {
  const timeoutMs = Math.min(options.timeout, NODE_MS_MAX);
  const nodes = await clusterNodes(clusterOf(options, context), timeoutMs);
  const { entries, silent } = await listDiverged(nodes, timeoutMs);
  for (const { id, url } of silent) {
    context.output.words(`${id ?? url} does not answer: what it alone lists is not shown`);
  }
  const answering = nodes.filter((node) => !silent.includes(node));
  return { nodes: answering, entries, writes: new ListedWrites(entries, options.timeout) };
}

async function printList(options: ClusterOptions, context: Context): Promise<void> {
  const { output } = context;
  const { entries, writes } = await listed(options, context);
  const found = await writes.entries();
  const known = found.filter((entry) => entry !== undefined);
  const progress = await progressOf(known, options, context);
  const rows = entries.map((entry, at) => {
    const whole = found[at];
    const count = whole && progress && whole.writes.filter((write) => progress.get(write)?.isWhole).length;
    return { ...entry, count, isWhole: count !== undefined && count === whole?.writes.length };
  });
  if (options.json === true) {
    for (const { summary, holders, count, isWhole } of rows) {
      const nodes = holders.map(({ id, url }) => id ?? url);
      const reapplied = count === undefined ? null : isWhole;
      output.json({ ...summary, nodes, reapplied, writesReapplied: count ?? null });
    }
    return;
  }
  if (entries.length === 0) return output.words('nothing has diverged');
  const lines = rows.map(({ summary, holders, count, isWhole }) => [
    summary.id,
    String(summary.writeCount),
    Object.entries(summary.asked)
      .filter(([, asked]) => asked > 0)
      .map(([level, asked]) => `${level} ${asked}`)
      .join(', '),
    `${summary.bytes} bytes`,
    holders.map(({ id, url }) => id ?? url).join(', '),
    isWhole ? 'applied again' : stateOf(summary, count ?? 0),
  ]);
  printTable(output, ['id', 'writes', 'asked', 'size', 'listed by', 'state'], lines);
}

function stateOf({ undecided }: ListedEntry['summary'], applied: number): string {
  const state = undecided ? 'undecided' : 'lost';
  return applied === 0 ? state : `${state}, ${applied} applied again`;
}

/** Undefined: the cluster does not say. */
function stateOfWrite(progress: Progress | undefined, entry: DivergedEntry): string {
  if (progress === undefined) return 'unknown';
  if (progress.isWhole) return 'applied again';
  return progress.begunBy === undefined ? stateOf(entry, 0) : 'applied again in part';
}

/** Undefined if the cluster cannot tell now: the list is worth showing all the same. */
async function progressOf(
  entries: readonly DivergedEntry[],
  options: ClusterOptions,
  context: Context,
): Promise<Map<DivergedWrite, Progress> | undefined> {
  const writes = entries.flatMap((entry) => entry.writes);
  if (writes.length === 0) return new Map();
  const short = { ...options, timeout: Math.min(options.timeout, NODE_MS_MAX) };
  try {
    return await withDatabase(short, context, (database) => progressAmong(writes, database));
  } catch {
    context.output.words('the cluster does not say now what was applied again');
    return undefined;
  }
}

async function printEntry(id: string, options: ClusterOptions, context: Context): Promise<void> {
  const { entries, writes } = await listed(options, context);
  const [chosen] = chooseEntries(entries, [id]);
  const entry = await writes.entry(chosen as ListedEntry);
  const progress = await progressOf([entry], options, context);
  for (const write of entry.writes)
    printWrite(write, stateOfWrite(progress?.get(write), entry), options, context);
}

function printWrite(
  { id, place, ack, mutations }: DivergedWrite,
  state: string,
  options: ClusterOptions,
  { output }: Context,
): void {
  for (const { kind, key, value, revision } of mutations) {
    if (options.json === true) {
      const encoding = [key, value ?? key].every((bytes) => fromBytes(bytes, 'utf8') !== undefined)
        ? 'utf8'
        : 'base64';
      const text = (bytes: Buffer | undefined): string | null =>
        bytes === undefined ? null : (fromBytes(bytes, encoding) as string);
      const what = { kind, key: text(key), value: text(value), encoding, revision, ack };
      output.json({ id, write: place, state, ...what });
    } else {
      const fields = [
        String(place),
        state,
        kind,
        ack,
        String(revision),
        shown(key),
        ...(value === undefined ? [] : [shown(value)]),
      ];
      output.line(fields.join('\t'));
    }
  }
}

async function reapplyAll(ids: string[], options: ChosenOptions, context: Context): Promise<ExitStatus> {
  const { nodes, entries, writes } = await listed(options, context);
  const chosen = chooseEntries(entries, wanted(ids, options));
  if (chosen.length === 0) context.output.words('nothing has diverged');
  let status: ExitStatus = EXIT.done;
  await withDatabase({ ...options, ack: 'quorum' }, context, async (database) => {
    const calls = new CallResults(nodes, options.timeout);
    const run = new Reapplication(database as ReapplyDatabase, {
      force: options.force === true,
      survived: (asked) => calls.survived(asked, database.token()),
      olderOf: (write, key) => writes.olderOf(write, key),
    });
    for (const listedEntry of chosen) {
      const entry = await writes.entry(listedEntry).catch((error: unknown) => {
        context.output.words(`${listedEntry.summary.id}: left out: ${describeError(error)}`);
        return undefined;
      });
      if (entry === undefined) {
        status = worstOf([status, EXIT.refused]);
        continue;
      }
      const results = await run.apply(entry.writes);
      reportReapplied(entry, results, { output: context.output, json: options.json === true });
      status = worstOf([status, statusOf(results)]);
      if (results.some(endsRun)) break;
    }
  });
  return status;
}

async function discardAll(ids: string[], options: ChosenOptions, context: Context): Promise<void> {
  const { entries } = await listed(options, context);
  const chosen = chooseEntries(entries, wanted(ids, options));
  const writes = chosen.reduce((sum, { summary }) => sum + summary.writeCount, 0);
  if (chosen.length === 0) return context.output.words('nothing has diverged');
  await confirm(
    `This forgets ${writes} lost writes of ${chosen.length} entries for good.`,
    options.yes === true,
    context,
  );
  for (const { summary, holders } of chosen) {
    for (const { url } of holders) {
      const path = `/v1/divergence/${encodeURIComponent(summary.id)}/discard`;
      await callHttp(url, path, { method: 'POST', timeoutMs: options.timeout });
    }
    if (options.json === true) context.output.json({ id: summary.id, discarded: true });
    else context.output.words(`${summary.id}: discarded`);
  }
}

function wanted(ids: readonly string[], { all }: ChosenOptions): readonly string[] | 'all' {
  if (all === true && ids.length === 0) return 'all';
  if (all !== true && ids.length > 0) return ids;
  throw new HoldfastError('HOLDFAST_INVALID_ARGUMENT', 'give ids, or --all');
}
