import { type Command, Option } from 'commander';
import { get, type ReadOptions, type ScanOptions, scan } from '../data/reads.ts';
import { transact } from '../data/transactions.ts';
import { type WatchCommandOptions, watch } from '../data/watch.ts';
import { batch, del, incr, put, type WriteOptions } from '../data/writes.ts';
import { durationMs, integer, TEXT_ENCODINGS, wholeNumber } from '../values.ts';
import { addCommand, type CommandSetup, examples, withClusterOptions } from './setup.ts';

const revision = wholeNumber(0, 'a revision');

/** `get`, `put`, `del`, `incr`, `batch`, `txn`, `scan`, `watch`. */
export function addDataCommands(setup: CommandSetup): void {
  const { context } = setup;
  addGet(setup);

  const putCommand = withConditions(withWriteOptions(addCommand(setup, 'put <key> [value]', 'write a value')))
    .option('--file <path>', 'the value is what the file holds')
    .action((key: string, value: string | undefined, options: WriteOptions) =>
      put(key, value, options, context),
    );
  examples(putCommand, context, [
    'put greeting hello',
    'put greeting hello --ack all',
    'put lock me --if-absent',
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

  const incrCommand = withWriteOptions(
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
  {"type":"del","key":"b","ifRevision":1048577}`,
  );

  addTransaction(setup);
  addScan(setup);
  addWatch(setup);
}

function addTransaction(setup: CommandSetup): void {
  const { context, onStatus } = setup;
  const command = withEncoding(
    withClusterOptions(
      addCommand(setup, 'txn', 'run one of two branches of steps, atomically: a JSON object on stdin'),
    ),
  )
    .addOption(new Option('--ack <level>', 'level to reach (default: quorum)').choices(['quorum', 'all']))
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
  {"type":"increment","key":"a","by":1}
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
  return withEncoding(withClusterOptions(command))
    .addOption(
      new Option('--consistency <level>', 'default: linearizable').choices([
        'linearizable',
        'session',
        'eventual',
      ]),
    )
    .option('--max-staleness <duration>', 'with eventual: no older than this', durationMs);
}

function withEncoding(command: Command): Command {
  return command
    .addOption(encodingOption('--encoding <encoding>', 'of values, here and in output'))
    .addOption(encodingOption('--key-encoding <encoding>', 'of keys, here and in output'));
}

function encodingOption(flags: string, description: string): Option {
  return new Option(flags, description).choices(TEXT_ENCODINGS).default('utf8');
}
