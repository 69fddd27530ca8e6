import { EXIT } from '../exit-codes.ts';
import { addCommand, type CommandSetup } from './setup.ts';

/** `holdfast node` and `holdfast config`. What they take is the server's to say, which nobody else needs loaded. */
export function addNodeCommands(setup: CommandSetup): void {
  const { context, onStatus } = setup;
  const raw = (usage: string, description: string): ReturnType<typeof addCommand> =>
    addCommand(setup, usage, description).allowUnknownOption().allowExcessArguments().helpOption(false);
  const node = raw('node', 'run one node with explicit flags: what containers run').action(async () => {
    const { runNode } = await import('../node/run-node.ts');
    onStatus((await runNode(node.args, context)) ? EXIT.done : EXIT.refused);
  });
  const config = raw('config', 'print what a node would run with, and where each value comes from').action(
    async () => {
      const { printConfig } = await import('../node/print-config.ts');
      onStatus((await printConfig(config.args, context)) ? EXIT.done : EXIT.usage);
    },
  );
}
