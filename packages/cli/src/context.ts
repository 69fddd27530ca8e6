import { dirname } from 'node:path';
import type { Readable } from 'node:stream';
import type { Output } from './output.ts';

/** What a command is given of the world around it. */
export interface Context {
  readonly output: Output;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Where the user stands. */
  readonly directory: string;
  readonly stdin: Readable & { readonly isTTY?: boolean };
  /** The file to run for another `holdfast`. */
  readonly program: string;
  /** How the user would call this program, for commands ready to paste. */
  readonly commandName: string;
}

type Environment = Readonly<Record<string, string | undefined>>;

/**
 * pnpm and npm run a script in the directory of its package and keep where the user stood in INIT_CWD. Whoever went
 * elsewhere since, a test or a script of the user, means where it went.
 */
export function userDirectory(env: Environment, workingDirectory: string): string {
  const { INIT_CWD: start = '', npm_package_json: manifest = '' } = env;
  const isPlacedByScript = start !== '' && manifest !== '' && dirname(manifest) === workingDirectory;
  return isPlacedByScript ? start : workingDirectory;
}

/** `pnpm holdfast` from a clone, `holdfast` where it is installed. */
export function commandName(env: Environment): string {
  const pnpm = /^pnpm\/(\S+)/.exec(env.npm_config_user_agent ?? '')?.[1];
  return pnpm === undefined ? 'holdfast' : `npx pnpm@${pnpm} holdfast`;
}
