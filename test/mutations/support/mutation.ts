import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** A bug put in on purpose, to see whether the simulator finds it. */
export interface Mutation {
  readonly name: string;
  readonly patchPath: string;
  /** What is wrong, in words. */
  readonly bug: string;
  /** Its number in docs/faults.md. */
  readonly fault: number;
  /** Where what it is found by is kept. */
  readonly schedulePath: string;
  readonly hasSchedule: boolean;
}

const FOLDER = join(import.meta.dirname, '..');
const SUFFIX = '.patch';

export function readMutations(): Mutation[] {
  const names = readdirSync(join(FOLDER, 'patches')).sort();
  return names.map((name) => readMutation(name.slice(0, -SUFFIX.length)));
}

/** Before the patch stands what it does, and after an empty line `Fault: <number>`. */
function readMutation(name: string): Mutation {
  const patchPath = join(FOLDER, 'patches', `${name}${SUFFIX}`);
  const [header = ''] = readFileSync(patchPath, 'utf8').split(/^--- /m);
  const match = /^(.+?)\n\nFault: (\d+)\n$/s.exec(header.trimEnd().concat('\n'));
  if (match === null) throw new Error(`${patchPath} does not say what it does`);
  const [, bug = '', fault] = match;
  const schedulePath = join(FOLDER, 'schedules', `${name}.json`);
  return {
    name,
    patchPath,
    bug: bug.replaceAll('\n', ' '),
    fault: Number(fault),
    schedulePath,
    hasSchedule: existsSync(schedulePath),
  };
}
