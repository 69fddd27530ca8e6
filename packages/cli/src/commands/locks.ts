import type { Command } from 'commander';
import { elect, type HoldOptions, lock } from '../data/locks.ts';
import type { ExitStatus } from '../exit-codes.ts';
import { durationMs } from '../values.ts';
import { addCommand, type CommandSetup, examples, withClusterOptions } from './setup.ts';

/** `holdfast lock` and `holdfast elect`: what one process at a time holds. */
export function addLockCommands(setup: CommandSetup): void {
  const { context, onStatus } = setup;
  const lockCommand = withHoldOptions(
    addCommand(setup, 'lock <name> [command...]', 'hold a lock while a command runs, or until Ctrl-C'),
  )
    .option('--no-wait', 'end with 1 if another holds it')
    .action(async (name: string, command: string[], options: HoldOptions) =>
      onStatus((await lock(name, command, options, context)) as ExitStatus),
    );
  examples(lockCommand, context, [
    'lock backup -- ./backup.sh',
    'lock backup --no-wait -- ./backup.sh',
    'lock deploy --ttl 30s --wait 5m',
  ]);
  lockCommand.addHelpText(
    'after',
    `
The exit status is the command's. It finds the token of the lock in HOLDFAST_LOCK_TOKEN: what it writes to must
refuse smaller ones, or a command that stood still writes beside the next. If the lock is lost it is sent SIGTERM,
and the status is 4. Without a command the token is printed, and the lock held until Ctrl-C.`,
  );

  const electCommand = withHoldOptions(
    addCommand(setup, 'elect <name> [value]', 'stand for election and hold the office until Ctrl-C'),
  ).action(async (name: string, value: string | undefined, options: HoldOptions) =>
    onStatus(await elect(name, value, options, context)),
  );
  examples(electCommand, context, ['elect cron worker-1', 'elect cron']);
  electCommand.addHelpText(
    'after',
    '\nWithout a value: prints who is elected, and each change; an empty line is nobody.',
  );
}

function withHoldOptions(command: Command): Command {
  return withClusterOptions(command)
    .option('--ttl <duration>', 'others wait so long for one that died (default: 10s)', durationMs)
    .option('--wait <duration>', 'for so long at most (default: as long as it takes)', durationMs)
    .option('--namespace <name>', 'of the application, if it has one');
}
