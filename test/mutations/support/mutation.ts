import { spawnSync } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { FAULT_KINDS, type FaultKind, MARKS, type MarkName } from '@holdfast/sim';
import { ROOT } from '../../../scripts/support/workspace.ts';
import type { ChangedSources } from './mutant-modules.ts';

/** A bug put in on purpose, to see whether the simulator finds it. */
export interface Mutation {
  readonly name: string;
  readonly patchPath: string;
  /** What is wrong, in words. */
  readonly bug: string;
  /** Its number in docs/faults.md. */
  readonly fault: number;
  /** A path that a run has to take for the bug to matter: what is kept of it takes it without the bug as well. */
  readonly mark: MarkName;
  /** Kinds of fault that it takes; with nothing else it is found sooner. */
  readonly focus: readonly FaultKind[];
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

/** The files that it changes, with the change. Throws if the patch does not apply. */
export function sourcesOf({ name, patchPath }: Mutation): ChangedSources {
  const paths = [...readFileSync(patchPath, 'utf8').matchAll(/^--- a\/(.+)$/gm)].map(([, path]) => path!);
  const directory = mkdtempSync(join(tmpdir(), 'holdfast-mutant-'));
  try {
    for (const path of paths) {
      mkdirSync(join(directory, dirname(path)), { recursive: true });
      copyFileSync(join(ROOT, path), join(directory, path));
    }
    const { status, stderr } = spawnSync('git', ['apply', patchPath], { cwd: directory, encoding: 'utf8' });
    if (status !== 0) throw new Error(`${name} does not apply any more: ${stderr}`);
    return Object.fromEntries(paths.map((path) => [path, readFileSync(join(directory, path), 'utf8')]));
  } finally {
    rmSync(directory, { recursive: true });
  }
}

/** Before the patch stands what it does, and after an empty line `Fault: <number>`, `Mark: <name>` and perhaps `Focus: <kinds of fault>`. */
function readMutation(name: string): Mutation {
  const patchPath = join(FOLDER, 'patches', `${name}${SUFFIX}`);
  const [header = ''] = readFileSync(patchPath, 'utf8').split(/^--- /m);
  const match = /^(.+?)\n\nFault: (\d+)\nMark: (\w+)\n(?:Focus: (.+?)\n)?$/s.exec(
    header.trimEnd().concat('\n'),
  );
  if (match === null) throw new Error(`${patchPath} does not say what it does, and on which path`);
  const [, bug = '', fault, mark = '', focus = ''] = match;
  const schedulePath = join(FOLDER, 'schedules', `${name}.json`);
  return {
    name,
    patchPath,
    bug: bug.replaceAll('\n', ' '),
    fault: Number(fault),
    mark: markOf(mark, patchPath),
    focus: focus === '' ? [] : focus.split(', ').map((kind) => kindOf(kind, patchPath)),
    schedulePath,
    hasSchedule: existsSync(schedulePath),
  };
}

function markOf(text: string, patchPath: string): MarkName {
  if (!Object.hasOwn(MARKS, text))
    throw new Error(`${patchPath} names the mark ${text}, which there is none of`);
  return text as MarkName;
}

function kindOf(text: string, patchPath: string): FaultKind {
  const kind = FAULT_KINDS.find((name) => name === text);
  if (kind === undefined)
    throw new Error(`${patchPath} names the kind of fault ${text}, which there is none of`);
  return kind;
}
