import { type Command, Option } from 'commander';
import { get, type ReadOptions, type ScanOptions, scan } from '../data/reads.ts';
import { type ExpireOptions, expire, type TtlOptions, ttl } from '../data/times-to-live.ts';
import { transact } from '../data/transactions.ts';
import { type WatchCommandOptions, watch } from '../data/watch.ts';
import { batch, del, incr, put, type WriteOptions } from '../data/writes.ts';
import { durationMs, integer, TEXT_ENCODINGS, wholeNumber } from '../values.ts';
import { addCommand, type CommandSetup, examples, withClusterOptions } from './setup.ts';

const revision = wholeNumber(0, 'a revision');

/** `get`, `put`, `del`, `incr`, `batch`, `txn`, `scan`, `watch`, and of times to live `ttl`, `expire` and `persist`. */
export function addDataCommands(setup: CommandSetup): void {
  const { context } = setup;
  addGet(setup);

  const putCommand = withConditions(withWriteOptions(addCommand(setup, 'put <key> [value]', 'write a value')))
    .option('--file <path>', 'the value is what the file holds')
    .option('--ttl <duration>', 'the key is deleted after that (default: it stays)', durationMs)
    .action((key: string, value: string | undefined, options: WriteOptions) =>
      put(key, value, options, context),
    );
  examples(putCommand, context, [
    'put greeting hello',
    'put greeting hello --ack all',
    'put lock me --if-absent --ttl 30s',
    'put report --file ./report.pdf',
    'put blob ff00 --encoding hex',
  ]);
  putCommand.addHelpText(
    'after',
    '\nA value of - is read from stdin. Write -- before a key or value that begins with -.',
  );

  const delCommand = withConditions(withWriteOptions(addCommand(setup, 'del <key>', 'delete a key'))).action(
    (key: string, options: WriteOptions) => del(key, options, context),
  );
  examples(delCommand, context, ['del greeting', 'del greeting --if-revision 1048577']);

  const incrCommand = withDecidedOptions(
    addCommand(setup, 'incr <key>', 'add to an integer, exactly once; prints the sum'),
  )
    .argument('[by]', 'how much (default: 1)', integer, 1)
    .action((key: string, by: number, options: WriteOptions) => incr(key, by, options, context));
  examples(incrCommand, context, ['incr visits', 'incr stock -5']);

  const batchCommand = withWriteOptions(
    addCommand(setup, 'batch', 'apply all operations on stdin, one per line, or none of them'),
  )
    .option('--file <path>', 'read them from this file')
    .action((options: WriteOptions) => batch(options, context));
  examples(batchCommand, context, ['batch < operations.txt']);
  batchCommand.addHelpText(
    'after',
    `
Lines: put <key> <value to the end of the line>, del <key>, or JSON:
  {"type":"put","key":"a","value":"1","ifAbsent":true}
  {"type":"put","key":"c","value":"1","ttlMs":30000}
  {"type":"del","key":"b","ifRevision":1048577}`,
  );

  addTransaction(setup);
  addTimesToLive(setup);
  addScan(setup);
  addWatch(setup);
}

function addTimesToLive(setup: CommandSetup): void {
  const { context, onStatus } = setup;
  const ttlCommand = withConsistency(addCommand(setup, 'ttl <key>', 'print how long a key still lives'));
  ttlCommand.action(async (key: string, options: TtlOptions) => onStatus(await ttl(key, options, context)));
  examples(ttlCommand, context, ['ttl session:7', 'ttl session:7 --json']);
  ttlCommand.addHelpText(
    'after',
    '\nPrints milliseconds, or "none": it does not expire. A key that is not there prints nothing; exit status 1.',
  );

  const expireCommand = withDecidedOptions(
    addCommand(setup, 'expire <key>', 'delete a key after so long, counted from now'),
  ).argument('<duration>', 'such as 30s', durationMs);
  expireCommand.action(async (key: string, ttlMs: number, options: ExpireOptions) =>
    onStatus(await expire(key, ttlMs, options, context)),
  );
  examples(expireCommand, context, ['expire session:7 30m']);

  const persistCommand = withDecidedOptions(
    addCommand(setup, 'persist <key>', 'keep a key that would expire'),
  );
  persistCommand.action(async (key: string, options: ExpireOptions) =>
    onStatus(await expire(key, undefined, options, context)),
  );
  examples(persistCommand, context, ['persist session:7']);
  for (const command of [expireCommand, persistCommand])
    command.addHelpText(
      'after',
      '\nIt is a write: the key has a new revision. Without such a key: exit status 1.',
    );
}

function addTransaction(setup: CommandSetup): void {
  const { context, onStatus } = setup;
  const command = withDecidedOptions(
    addCommand(setup, 'txn', 'run one of two branches of steps, atomically: a JSON object on stdin'),
  )
    .option('--file <path>', 'read it from this file')
    .action(async (options: WriteOptions) => onStatus(await transact(options, context)));
  examples(command, context, [
    `txn <<< '{"if":[{"key":"a","value":"1"}],"then":[{"type":"put","key":"a","value":"2"}]}'`,
    'txn --file transfer.json --json',
  ]);
  command.addHelpText(
    'after',
    `
Fields, all of them lists: if (all must hold), then (what is done if so), else (what is done if not).
Conditions: {"key":"a","value":"1"}, {"key":"a","revision":1048577}, {"key":"a","absent":true}
Steps: {"type":"put","key":"a","value":"1"}, {"type":"del","key":"a"}, {"type":"get","key":"a"},
  {"type":"increment","key":"a","by":1}, {"type":"expire","key":"a","ttlMs":30000}, {"type":"persist","key":"a"}
A put takes ttlMs, too: milliseconds after which the key is deleted.
Prints a line a step of the branch that ran. Exit status 1 if that was else.`,
  );
}

function addGet(setup: CommandSetup): void {
  const { context, onStatus } = setup;
  const command = withReadOptions(addCommand(setup, 'get <key>', 'print a value'))
    .option('--raw', 'the bytes of the value and nothing else, no line end')
    .action(async (key: string, options: ReadOptions) => onStatus(await get(key, options, context)));
  examples(command, context, [
    'get greeting',
    'get greeting --consistency eventual --json',
    'get report --raw > report.pdf',
    'get blob --encoding hex',
  ]);
  command.addHelpText('after', '\nA key that is not there prints nothing on stdout; exit status 1.');
}

function addScan(setup: CommandSetup): void {
  const { context } = setup;
  const command = withRange(
    withReadOptions(addCommand(setup, 'scan', 'print keys and values in order, a tab between them')),
  )
    .option('--limit <count>', 'at most so many', wholeNumber(1, 'a number of keys'))
    .option('--reverse', 'from the end')
    .option('--keys-only', 'no values')
    .option('--reserved', 'show the keys of namespaces and those that Holdfast keeps for itself, too')
    .action((options: ScanOptions) => scan(options, context));
  examples(command, context, [
    'scan',
    'scan --prefix user: --limit 10',
    'scan --gte a --lt b --reverse --keys-only',
  ]);
  command.addHelpText(
    'after',
    `
Tabs, line ends, backslashes and control characters are printed as \\t, \\n, \\\\, \\x1b.
Keys that begin with \\x00holdfast/ are Holdfast's own, those that begin with \\x00n lie in a namespace: both are
left out without --reserved.`,
  );
}

function addWatch(setup: CommandSetup): void {
  const { context } = setup;
  const command = withRange(
    withEncoding(withClusterOptions(addCommand(setup, 'watch', 'print what is committed as it happens'))),
  )
    .addOption(new Option('--from <revision>', 'what came after this revision, too').argParser(revision))
    .addOption(new Option('--initial', 'first what is there').conflicts('from'))
    .option('--previous', 'what the key held before, too')
    .option('--limit <count>', 'end after so many', wholeNumber(1, 'a number of events'))
    .option('--reserved', 'show the keys of namespaces and those that Holdfast keeps for itself, too')
    .action((options: WatchCommandOptions) => watch(options, context));
  examples(command, context, [
    'watch',
    'watch --prefix user: --initial',
    'watch --gte a --lt b --from 1048577 --json',
  ]);
  command.addHelpText(
    'after',
    `
Until Ctrl-C. Each mutation once, in order, over every failover. A line each: put or del, key and value, tabs between
them, escaped as scan does. With --json also the revision (the next --from), the term, whether the write ends there,
and, as {"type":"progress"}, how far it has come when nothing happens.`,
  );
}

function withRange(command: Command): Command {
  return command
    .option('--prefix <text>', 'keys that begin so')
    .option('--gt <key>', 'keys above')
    .option('--gte <key>', 'keys from')
    .option('--lt <key>', 'keys below')
    .option('--lte <key>', 'keys up to');
}

function withWriteOptions(command: Command): Command {
  return withEncoding(withClusterOptions(command)).addOption(
    new Option('--ack <level>', 'level to reach (default: the one of the nodes)').choices([
      'local',
      'quorum',
      'all',
    ]),
  );
}

/** Of writes that what was there before decides: never below quorum. */
function withDecidedOptions(command: Command): Command {
  return withEncoding(withClusterOptions(command)).addOption(
    new Option('--ack <level>', 'level to reach (default: quorum)').choices(['quorum', 'all']),
  );
}

function withConditions(command: Command): Command {
  return command
    .addOption(
      new Option(
        '--if-revision <revision>',
        'only if the key has this revision; 0: if it is absent',
      ).argParser(revision),
    )
    .addOption(new Option('--if-absent', 'only if there is no such key').conflicts('ifRevision'));
}

function withReadOptions(command: Command): Command {
  return withConsistency(command).option(
    '--max-staleness <duration>',
    'with eventual: no older than this',
    durationMs,
  );
}

function withConsistency(command: Command): Command {
  return withEncoding(withClusterOptions(command)).addOption(
    new Option('--consistency <level>', 'default: linearizable').choices([
      'linearizable',
      'session',
      'eventual',
    ]),
  );
}

function withEncoding(command: Command): Command {
  return command
    .addOption(encodingOption('--encoding <encoding>', 'of values, here and in output'))
    .addOption(encodingOption('--key-encoding <encoding>', 'of keys, here and in output'));
}

function encodingOption(flags: string, description: string): Option {
  return new Option(flags, description).choices(TEXT_ENCODINGS).default('utf8');
}
