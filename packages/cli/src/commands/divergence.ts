import { HoldfastError } from '@holdfast/types';
import { clusterNodes } from '../cluster-nodes.ts';
import { confirm } from '../confirm.ts';
import type { Context } from '../context.ts';
import {
  chooseEntries,
  compareEntries,
  type DivergedEntry,
  fetchDiverged,
  type ListedEntry,
  listDiverged,
} from '../divergence/diverged-entries.ts';
import { markKey, type ReapplyDatabase, type ReapplyResult, reapply } from '../divergence/reapply.ts';
import { EXIT, type ExitStatus } from '../exit-codes.ts';
import { callHttp } from '../node-http.ts';
import { withDatabase } from '../open-database.ts';
import { printTable } from '../render/table.ts';
import { escaped, fromBytes } from '../values.ts';
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

  const show = withClusterOptions(addCommand(nested, 'show <id>', 'the mutations of one entry'));
  show.action((id: string, options: ClusterOptions) => printEntry(id, options, context));
  examples(show, context, ['divergence show default.1042.3']);

  const again = withClusterOptions(
    addCommand(nested, 'reapply [ids...]', 'write entries again, at quorum, each once whoever asks'),
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

async function listed(options: ClusterOptions, context: Context): Promise<ListedEntry[]> {
  const timeoutMs = Math.min(options.timeout, NODE_MS_MAX);
  const nodes = await clusterNodes(clusterOf(options, context), timeoutMs);
  const { entries, silent } = await listDiverged(nodes, timeoutMs);
  for (const { id, url } of silent) {
    context.output.words(`${id ?? url} does not answer: what it alone lists is not shown`);
  }
  return entries;
}

async function printList(options: ClusterOptions, context: Context): Promise<void> {
  const { output } = context;
  const entries = await listed(options, context);
  const reapplied = entries.length === 0 ? new Map() : await reappliedIds(entries, options, context);
  if (options.json === true) {
    for (const { summary, holders } of entries) {
      const nodes = holders.map(({ id, url }) => id ?? url);
      output.json({ ...summary, nodes, reapplied: reapplied.get(summary.id) ?? null });
    }
    return;
  }
  if (entries.length === 0) return output.words('nothing has diverged');
  const rows = entries.map(({ summary, holders }) => [
    summary.id,
    String(summary.writeCount),
    Object.entries(summary.asked)
      .filter(([, count]) => count > 0)
      .map(([level, count]) => `${level} ${count}`)
      .join(', '),
    `${summary.bytes} bytes`,
    holders.map(({ id, url }) => id ?? url).join(', '),
    stateOf(summary, reapplied.get(summary.id)),
  ]);
  printTable(output, ['id', 'writes', 'asked', 'size', 'listed by', 'state'], rows);
}

function stateOf({ undecided }: ListedEntry['summary'], isReapplied: boolean | undefined): string {
  if (isReapplied === true) return 'applied again';
  return undecided ? 'undecided' : 'lost';
}

/** Empty if the cluster cannot tell now: the list is worth showing all the same. */
async function reappliedIds(
  entries: readonly ListedEntry[],
  options: ClusterOptions,
  context: Context,
): Promise<Map<string, boolean>> {
  const ids = entries.map(({ summary }) => summary.id);
  const short = { ...options, timeout: Math.min(options.timeout, NODE_MS_MAX) };
  try {
    const found = await withDatabase(short, context, (database) =>
      database.hasMany(ids.map((id) => markKey(id))),
    );
    return new Map(ids.map((id, at) => [id, found[at] === true]));
  } catch {
    context.output.words('the cluster does not say now what was applied again');
    return new Map();
  }
}

async function printEntry(id: string, options: ClusterOptions, context: Context): Promise<void> {
  const { output } = context;
  const [chosen] = chooseEntries(await listed(options, context), [id]);
  const entry = await fetchDiverged(chosen as ListedEntry, options.timeout);
  for (const { kind, key, value, revision, ack } of entry.mutations) {
    if (options.json === true) {
      const encoding = [key, value ?? key].every((bytes) => fromBytes(bytes, 'utf8') !== undefined)
        ? 'utf8'
        : 'base64';
      const text = (bytes: Buffer | undefined): string | null =>
        bytes === undefined ? null : (fromBytes(bytes, encoding) as string);
      output.json({ id, kind, key: text(key), value: text(value), encoding, revision, ack });
    } else {
      const fields = [
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

/** Text, or hexadecimal digits where it is none. */
function shown(bytes: Buffer): string {
  const text = fromBytes(bytes, 'utf8');
  return text === undefined ? `0x${bytes.toString('hex')}` : escaped(text);
}

async function reapplyAll(ids: string[], options: ChosenOptions, context: Context): Promise<ExitStatus> {
  const entries = await listed(options, context);
  const chosen = chooseEntries(entries, wanted(ids, options));
  if (chosen.length === 0) context.output.words('nothing has diverged');
  let status: ExitStatus = EXIT.done;
  await withDatabase({ ...options, ack: 'quorum' }, context, async (database) => {
    for (const listedEntry of chosen) {
      const entry = await fetchDiverged(listedEntry, options.timeout);
      const older = entries
        .map(({ summary }) => summary)
        .filter((summary) => compareEntries(summary, entry) < 0);
      const result = await reapply(database as ReapplyDatabase, entry, {
        force: options.force === true,
        older,
      });
      reportReapplied(entry, result, options, context);
      if (result.kind === 'conflict') status = EXIT.refused;
    }
  });
  return status;
}

function reportReapplied(
  entry: DivergedEntry,
  result: ReapplyResult,
  options: ClusterOptions,
  context: Context,
): void {
  const { output } = context;
  if (options.json === true) {
    const key = result.kind === 'conflict' ? { key: result.key.toString('base64'), encoding: 'base64' } : {};
    return output.json({ id: entry.id, result: result.kind, ...result, ...key, kind: undefined });
  }
  switch (result.kind) {
    case 'reapplied':
      return output.words(`${entry.id}: applied again, ${result.keys} keys, revision ${result.revision}`);
    case 'repeated':
      return output.words(`${entry.id}: was applied again before; nothing was done`);
    case 'conflict':
      return output.words(
        `${entry.id}: HOLDFAST_CONFLICT: ${shown(result.key)} was written since, at revision ${result.revision}; nothing was done (--force writes over it)`,
      );
  }
}

async function discardAll(ids: string[], options: ChosenOptions, context: Context): Promise<void> {
  const chosen = chooseEntries(await listed(options, context), wanted(ids, options));
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
