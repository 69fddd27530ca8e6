import {
  abortSaga,
  printSaga,
  printSagas,
  resumeSaga,
  type SagaListOptions,
  type SagaOptions,
} from '../data/sagas.ts';
import { addCommand, type ClusterOptions, type CommandSetup, examples, withClusterOptions } from './setup.ts';

/** `holdfast saga`: what `@holdfast/client/sagas` keeps. */
export function addSagaCommands(setup: CommandSetup): void {
  const { context, onStatus } = setup;
  const group = setup.program
    .command('saga')
    .description('work in several steps that applications keep here: list, show, resume, abort');
  const nested = { ...setup, program: group };
  examples(group, context, ['saga list --state stuck', 'saga show order 42', 'saga resume order 42']);
  const command = (usage: string, description: string) =>
    withClusterOptions(addCommand(nested, usage, description)).option(
      '--namespace <name>',
      'of the application, if it has one',
    );

  const list = command('list', 'sagas with their states and steps')
    .option('--type <type>', 'of this type only')
    .option('--state <state>', 'running, compensating, completed, compensated or stuck');
  list.action((options: ClusterOptions & SagaListOptions) => printSagas(options, context));
  examples(list, context, [
    'saga list',
    'saga list --type order --state stuck',
    'saga list --namespace shop --json',
  ]);

  const show = command('show <type> <id>', 'one saga: its input, its steps and what went wrong');
  show.action((type: string, id: string, options: SagaOptions) => printSaga(type, id, options, context));
  examples(show, context, ['saga show order 42', 'saga show order 42 --json']);

  const resume = command('resume <type> <id>', 'have a stuck saga taken back, from where it is stuck');
  resume.action(async (type: string, id: string, options: SagaOptions) =>
    onStatus(await resumeSaga(type, id, options, context)),
  );
  examples(resume, context, ['saga resume order 42']);
  resume.addHelpText('after', ORDER_HELP);

  const abort = command('abort <type> <id>', 'have a running saga taken back').option(
    '--reason <text>',
    'why: kept with the saga',
  );
  abort.action(async (type: string, id: string, options: SagaOptions & { readonly reason?: string }) =>
    onStatus(await abortSaga(type, id, options, context)),
  );
  examples(abort, context, ["saga abort order 42 --reason 'customer called'"]);
  abort.addHelpText('after', ORDER_HELP);
}

const ORDER_HELP =
  '\nAn order is kept with the saga; a worker of the application that runs its steps carries it out.';
