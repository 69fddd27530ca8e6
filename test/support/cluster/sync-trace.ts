import { readdirSync, readFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';

/** Seconds since 1970, as strace prints them. */
interface SystemCall {
  readonly name: string;
  readonly file: string;
  readonly line: string;
  readonly beganAt: number;
  readonly endedAt: number;
}

const LINE = /^(\d+\.\d+) (\w+)\(\d+<([^>]*)>.*\) += (-?\d+).*<(\d+\.\d+)>$/;
const SYNCS: ReadonlySet<string> = new Set(['fdatasync', 'fsync']);
/** What strace shows of each write; an entry with a short value is found within it. */
const SHOWN_BYTES = 4096;

/** Runs the command after it, and writes down what it writes and syncs, one file for each of its threads. */
export function tracedTo(path: string): string[] {
  return [
    'strace',
    ...['-ff', '--seccomp-bpf', '-ttt', '-T', '-y', '-qq', '-s', `${SHOWN_BYTES}`, '-o', path],
    // So slow that an acknowledgement that does not wait for its sync is seen to be early.
    ...['-e', 'trace=pwrite64,pwritev,fdatasync,fsync', '-e', 'inject=fdatasync:delay_enter=20000'],
  ];
}

/** Writes and syncs of one process, read from the files of `tracedTo(path)` after the process has ended. */
export class SyncTrace {
  readonly #calls: readonly SystemCall[];

  constructor(path: string) {
    const files = readdirSync(dirname(path)).filter((name) => name.startsWith(`${basename(path)}.`));
    const lines = files.flatMap((name) => readFileSync(join(dirname(path), name), 'latin1').split('\n'));
    this.#calls = lines.flatMap(parse).sort((left, right) => left.beganAt - right.beganAt);
  }

  get syncs(): number {
    return this.#calls.filter(({ name }) => SYNCS.has(name)).length;
  }

  /** When the file that `text` was first written to was synced after that, ms since 1970; undefined if never. */
  syncedAt(text: string): number | undefined {
    const write = this.#calls.find(({ name, line }) => !SYNCS.has(name) && line.includes(text));
    if (write === undefined) return undefined;
    const sync = this.#calls.find(
      ({ name, file, beganAt }) => SYNCS.has(name) && file === write.file && beganAt >= write.endedAt,
    );
    return sync === undefined ? undefined : sync.endedAt * 1000;
  }
}

function parse(line: string): SystemCall[] {
  const [, beganAt, name, file, result, seconds] = LINE.exec(line) ?? [];
  if (name === undefined || file === undefined || Number(result) < 0) return [];
  const began = Number(beganAt);
  return [{ name, file, line, beganAt: began, endedAt: began + Number(seconds) }];
}
