import { type DropOptions, dropNamespace, listNamespaces } from '../data/namespaces.ts';
import { addCommand, type ClusterOptions, type CommandSetup, examples, withClusterOptions } from './setup.ts';

/** `holdfast namespace`: the key spaces that clients have made. */
export function addNamespaceCommands(setup: CommandSetup): void {
  const { context, onStatus } = setup;
  const group = setup.program.command('namespace').description('key spaces of applications: list, drop');
  const nested = { ...setup, program: group };
  examples(group, context, ['namespace list', 'namespace drop carts']);

  const list = withClusterOptions(addCommand(nested, 'list', 'the namespaces that hold a key, one a line'));
  list.action((options: ClusterOptions) => listNamespaces(options, context));
  examples(list, context, ['namespace list', 'namespace list --json']);

  const drop = withClusterOptions(
    addCommand(nested, 'drop <name>', 'delete all keys of a namespace, for good'),
  ).option('--yes', 'do not ask');
  drop.action(async (name: string, options: DropOptions) =>
    onStatus(await dropNamespace(name, options, context)),
  );
  examples(drop, context, ['namespace drop carts', 'namespace drop carts --yes']);
  drop.addHelpText(
    'after',
    '\nNot one operation: what is written meanwhile may stay. Interrupted, it is continued by calling it again.',
  );
}
