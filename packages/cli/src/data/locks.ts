import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { constants } from 'node:os';
import type { Lock } from '@holdfast/client';
import { HoldfastError } from '@holdfast/types';
import type { ClusterOptions } from '../commands/setup.ts';
import type { Context } from '../context.ts';
import { EXIT, type ExitStatus } from '../exit-codes.ts';
import { type Database, withDatabase } from '../open-database.ts';
import { type SignalWatch, untilSignal } from '../signals.ts';
import { escaped } from '../values.ts';

export interface HoldOptions extends ClusterOptions {
  readonly namespace?: string;
  readonly ttl?: number;
  /** False: not at all. */
  readonly wait: number | boolean;
}

/** Of a process that a signal ended, as shells have it. */
const SIGNALLED = 128;

/** `holdfast lock`: holds it while a command runs, or until Ctrl-C. The status is the command's. */
export async function lock(
  name: string,
  command: readonly string[],
  options: HoldOptions,
  context: Context,
): Promise<number> {
  const { output } = context;
  return await withDatabase(options, context, async (database) => {
    const signal = untilSignal();
    try {
      const held = await acquired(database, name, options, signal);
      if (held === undefined) {
        output.words(`another holds the lock ${escaped(name)}`);
        return EXIT.refused;
      }
      try {
        if (command.length > 0) return await runUnder(held, command, context, signal);
        tellHeld(held, options, context);
        return await untilEnd(held, context, signal);
      } finally {
        await held.release();
      }
    } finally {
      signal.close();
    }
  });
}

/** `holdfast elect`: stands with a value and holds the office until Ctrl-C, or without one tells who is elected. */
export async function elect(
  name: string,
  value: string | undefined,
  options: HoldOptions,
  context: Context,
): Promise<ExitStatus> {
  return await withDatabase(options, context, async (database) => {
    const signal = untilSignal();
    try {
      if (value === undefined) return await tellLeaders(database, name, options, context, signal);
      const campaign = database.elect(name, { value, ttlMs: options.ttl });
      const office = await campaign.campaign(waiting(options, signal));
      try {
        tellHeld(office, options, context);
        return await untilEnd(office, context, signal);
      } finally {
        await office.release();
      }
    } finally {
      signal.close();
    }
  });
}

async function acquired(
  database: Database,
  name: string,
  options: HoldOptions,
  signal: SignalWatch,
): Promise<Lock | undefined> {
  if (options.wait === false) return await database.tryLock(name, { ttlMs: options.ttl });
  return await database.lock(name, { ttlMs: options.ttl, ...waiting(options, signal) });
}

function waiting(
  { wait }: HoldOptions,
  signal: SignalWatch,
): { readonly timeoutMs: number | undefined; readonly signal: AbortSignal } {
  const stop = new AbortController();
  void signal.given.then(() => stop.abort());
  return { timeoutMs: typeof wait === 'number' ? wait : undefined, signal: stop.signal };
}

/** The command is told to end when the lock is lost: it is not alone any more. */
async function runUnder(
  held: Lock,
  [file = '', ...args]: readonly string[],
  { output, env }: Context,
  signal: SignalWatch,
): Promise<number> {
  const child: ChildProcess = spawn(file, args, {
    stdio: 'inherit',
    env: { ...env, HOLDFAST_LOCK_TOKEN: String(held.token) },
  });
  const ended = once(child, 'exit') as Promise<[number | null, NodeJS.Signals | null]>;
  const onLost = (): void => {
    output.words(`the lock ${escaped(held.name)} is lost: the command is ended`);
    child.kill('SIGTERM');
  };
  held.signal.addEventListener('abort', onLost, { once: true });
  void signal.given.then(() => child.kill('SIGTERM'));
  try {
    const [code, by] = await ended;
    if (held.signal.aborted) return EXIT.unknown;
    return code ?? SIGNALLED + (by === null ? 0 : constants.signals[by]);
  } catch (cause) {
    throw new HoldfastError('HOLDFAST_INVALID_ARGUMENT', `${file} cannot be run`, { cause });
  } finally {
    held.signal.removeEventListener('abort', onLost);
  }
}

function tellHeld(held: Lock, { json }: HoldOptions, { output }: Context): void {
  if (json === true) output.json({ name: held.name, token: held.token });
  else output.line(String(held.token));
}

async function untilEnd(held: Lock, { output }: Context, signal: SignalWatch): Promise<ExitStatus> {
  const lost = once(held.signal, 'abort');
  await Promise.race([signal.given, lost]);
  if (!held.signal.aborted) return EXIT.done;
  output.words(`${escaped(held.name)} is lost`);
  return EXIT.unknown;
}

async function tellLeaders(
  database: Database,
  name: string,
  { json }: HoldOptions,
  { output }: Context,
  signal: SignalWatch,
): Promise<ExitStatus> {
  const leaders = database.elect(name, { value: null }).leader();
  void signal.given.then(() => leaders.close());
  for await (const leader of leaders) {
    if (json === true) output.json(leader ?? { value: null });
    else output.line(leader === undefined ? '' : escaped(text(leader.value)));
    await output.drained();
  }
  return EXIT.done;
}

function text(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value);
}
