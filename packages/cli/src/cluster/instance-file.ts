import { linkSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { HoldfastError } from '@holdfast/types';
import { callHttp } from '../node-http.ts';
import type { ControlState } from './control-server.ts';

const INSTANCE_FILE = 'up.json';
/** An `up` that is itself stopped answers nothing; it still runs. */
const ANSWER_MS_MAX = 1000;

/** How to reach the `up` that runs in a directory. Readable by its user only: the token lets one stop nodes. */
export interface Instance {
  readonly pid: number;
  /** http://127.0.0.1:port */
  readonly url: string;
  readonly token: string;
}

export function readInstance(directory: string): Instance | undefined {
  try {
    return JSON.parse(readFileSync(join(directory, INSTANCE_FILE), 'utf8')) as Instance;
  } catch {
    return undefined;
  }
}

/**
 * Makes this process the one `up` of the directory. A file that an `up` left behind when it was killed is replaced.
 * Throws HOLDFAST_DATA_DIRECTORY_IN_USE.
 */
export async function claimDirectory(directory: string, instance: Instance): Promise<void> {
  mkdirSync(directory, { recursive: true });
  const path = join(directory, INSTANCE_FILE);
  const own = `${path}.${instance.pid}.tmp`;
  writeFileSync(own, JSON.stringify(instance), { mode: 0o600 });
  try {
    for (;;) {
      if (tryLink(own, path)) return;
      const other = readInstance(directory);
      if (other !== undefined && (await isRunning(other))) throw inUse(directory, other);
      removeStale(path, other);
    }
  } finally {
    rmSync(own, { force: true });
  }
}

export function releaseDirectory(directory: string, instance: Instance): void {
  if (readInstance(directory)?.token === instance.token)
    rmSync(join(directory, INSTANCE_FILE), { force: true });
}

/** Says who it is, so that another program on a port that was used before is not taken for it. */
export async function isRunning(instance: Instance): Promise<boolean> {
  try {
    const state = await askInstance<ControlState>(instance, '/state', ANSWER_MS_MAX);
    return state.pid === instance.pid;
  } catch (error) {
    return error instanceof HoldfastError && error.code === 'HOLDFAST_DEADLINE_EXCEEDED';
  }
}

export function askInstance<Answer>(
  instance: Instance,
  path: string,
  timeoutMs: number,
  method: 'GET' | 'POST' = 'GET',
): Promise<Answer> {
  const headers = { authorization: `Bearer ${instance.token}` };
  return callHttp<Answer>(instance.url, path, { method, headers, timeoutMs });
}

/** Whole or not at all: a reader never sees half a file, and of two writers one fails. */
function tryLink(from: string, to: string): boolean {
  try {
    linkSync(from, to);
    return true;
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'EEXIST') return false;
    throw error;
  }
}

/** Moves it aside first: if another `up` was quicker and this is its file by now, it is put back. */
function removeStale(path: string, stale: Instance | undefined): void {
  const aside = `${path}.${process.pid}.stale`;
  try {
    renameSync(path, aside);
  } catch {
    return;
  }
  const moved = JSON.stringify(readAside(aside));
  if (moved !== JSON.stringify(stale)) tryLink(aside, path);
  rmSync(aside, { force: true });
}

function readAside(path: string): Instance | undefined {
  try {
    return JSON.parse(readFileSync(path, 'utf8')) as Instance;
  } catch {
    return undefined;
  }
}

function inUse(directory: string, other: Instance): HoldfastError {
  return new HoldfastError(
    'HOLDFAST_DATA_DIRECTORY_IN_USE',
    `holdfast up runs in ${directory} already (process ${other.pid})`,
  );
}
