import { readFileSync } from 'node:fs';
import { Command } from 'commander';
import { addDataCommands } from './commands/data.ts';
import { addDivergenceCommands } from './commands/divergence.ts';
import { addEventsCommand } from './commands/events.ts';
import { addLoadCommand } from './commands/load.ts';
import { addLockCommands } from './commands/locks.ts';
import { addNamespaceCommands } from './commands/namespaces.ts';
import { addNodeCommands } from './commands/node.ts';
import { addOrderCommands } from './commands/orders.ts';
import { addSagaCommands } from './commands/sagas.ts';
import { type CommandSetup, examples } from './commands/setup.ts';
import { addStatusCommand } from './commands/status.ts';
import { addSwitchoverCommand } from './commands/switchover.ts';
import { addUpCommand } from './commands/up.ts';
import type { Context } from './context.ts';
import type { ExitStatus } from './exit-codes.ts';

/** All commands. `onStatus` is told the exit status of one that ends without an error but not with success. */
export function buildProgram(context: Context, onStatus: (status: ExitStatus) => void): Command {
  const { output } = context;
  const program = new Command('holdfast')
    .description('A replicated key-value store: a local cluster, its data, its operation.')
    .version(version(), '-V, --version', 'print the version')
    .exitOverride()
    .configureOutput({
      writeOut: (text) => output.stdout.write(text),
      writeErr: (text) => output.stderr.write(text),
      getOutHelpWidth: () => output.stdout.columns ?? 80,
      getErrHelpWidth: () => output.stderr.columns ?? 80,
      getOutHasColors: () => output.hasColour,
      getErrHasColors: () => false,
    })
    .showSuggestionAfterError()
    .helpCommand('help [command]', 'what a command does, with examples');
  const setup: CommandSetup = { program, context, onStatus };
  program.commandsGroup('Cluster on this machine:');
  addUpCommand(setup);
  addOrderCommands(setup);
  program.commandsGroup('Data:');
  addDataCommands(setup);
  addLockCommands(setup);
  addNamespaceCommands(setup);
  program.commandsGroup('Operation:');
  addStatusCommand(setup);
  addEventsCommand(setup);
  addSwitchoverCommand(setup);
  addLoadCommand(setup);
  addDivergenceCommands(setup);
  addSagaCommands(setup);
  program.commandsGroup('One node:');
  addNodeCommands(setup);
  examples(program, context, ['up', 'put greeting hello', 'get greeting', 'status --watch', 'kill n1']);
  program.addHelpText(
    'after',
    `
Data commands find the cluster by --url, HOLDFAST_URL, then .holdfast/ in this directory or above.
Exit status: 0 done · 1 refused, or a condition was false · 2 usage · 3 no primary, or
unreachable · 4 deadline, or outcome unknown.`,
  );
  return program;
}

/** Both `src` and the built `dist` lie beside the manifest. */
function version(): string {
  const manifest = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'));
  return (manifest as { version: string }).version;
}
