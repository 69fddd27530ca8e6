import { type Command, CommanderError } from 'commander';
import { buildProgram } from './build-program.ts';
import { type Context, commandName, userDirectory } from './context.ts';
import { EXIT, type ExitStatus, exitStatusOf } from './exit-codes.ts';
import { describeError, hintFor, rootOf } from './hints.ts';
import { Output, type OutputStreams } from './output.ts';

export interface RunOptions extends Partial<OutputStreams> {
  /** The file that runs this, for child processes. */
  readonly program: string;
  readonly env?: Readonly<Record<string, string | undefined>>;
  readonly directory?: string;
  readonly stdin?: Context['stdin'];
}

/** Runs one command; resolves with the exit status when all output is written. Never rejects. */
export async function run(args: readonly string[], options: RunOptions): Promise<ExitStatus> {
  const env = options.env ?? process.env;
  const { stdout = process.stdout, stderr = process.stderr } = options;
  // Nobody reads any more: there is nothing left to say, and nobody to say it to.
  const output = new Output({ stdout, stderr }, env, () => process.exit(EXIT.done));
  const context: Context = {
    output,
    env,
    directory: userDirectory(env, options.directory ?? process.cwd()),
    stdin: options.stdin ?? process.stdin,
    program: options.program,
    commandName: commandName(env),
  };
  let status: ExitStatus = EXIT.done;
  const program = buildProgram(context, (result) => {
    status = result;
  });
  try {
    await parse(program, args);
  } catch (error) {
    status = report(error, context);
  }
  await output.flushed();
  return status;
}

async function parse(program: Command, args: readonly string[]): Promise<void> {
  // `node` and `config` know their options only when they run, which `--help` makes them do.
  const [first, ...others] = args;
  const isHelpOn = first === 'help' && others.length > 0;
  await program.parseAsync(isHelpOn ? [...others, '--help'] : [...args], { from: 'user' });
}

function report(thrown: unknown, { output, commandName }: Context): ExitStatus {
  // Commander has said what is wrong already.
  if (thrown instanceof CommanderError) return thrown.exitCode === 0 ? EXIT.done : EXIT.usage;
  const error = rootOf(thrown);
  output.words(describeError(error));
  const hint = hintFor(error, commandName);
  if (hint !== undefined) output.words(hint);
  return exitStatusOf(error);
}
