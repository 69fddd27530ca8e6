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
/** How strace names them where it names files. */
const SOCKET = 'socket:';
/** What strace shows of each write; an entry with a short value is found within it. */
const SHOWN_BYTES = 4096;

/** Runs the command after it, and writes down what it sends, writes and syncs, one file for each of its threads. */
export function tracedTo(path: string): string[] {
  return [
    'strace',
    ...['-ff', '--seccomp-bpf', '-ttt', '-T', '-y', '-qq', '-s', `${SHOWN_BYTES}`, '-o', path],
    // So slow that an acknowledgement that does not wait for its sync is seen to be early.
    ...[
      '-e',
      'trace=write,writev,pwrite64,pwritev,fdatasync,fsync',
      '-e',
      'inject=fdatasync:delay_enter=20000',
    ],
  ];
}

/** What one process sent, wrote and synced, read from the files of `tracedTo(path)` after the process has ended. */
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

  /** Whether `text` was sent on so many sockets before it was written to any file. */
  sentFirst(text: string, sockets: number): boolean {
    const calls = this.#writes(text);
    const write = calls.findIndex((call) => !isSend(call));
    return new Set(calls.slice(0, write).map(({ file }) => file)).size === sockets;
  }

  /** When the file that `text` was first written to was synced after that, ms since 1970; undefined if never. */
  syncedAt(text: string): number | undefined {
    const write = this.#writes(text).find((call) => !isSend(call));
    if (write === undefined) return undefined;
    const sync = this.#calls.find(
      ({ name, file, beganAt }) => SYNCS.has(name) && file === write.file && beganAt >= write.endedAt,
    );
    return sync === undefined ? undefined : sync.endedAt * 1000;
  }

  #writes(text: string): SystemCall[] {
    return this.#calls.filter(({ name, line }) => !SYNCS.has(name) && line.includes(text));
  }
}

function isSend({ file }: SystemCall): boolean {
  return file.startsWith(SOCKET);
}

function parse(line: string): SystemCall[] {
  const [, beganAt, name, file, result, seconds] = LINE.exec(line) ?? [];
  if (name === undefined || file === undefined || Number(result) < 0) return [];
  const began = Number(beganAt);
  return [{ name, file, line, beganAt: began, endedAt: began + Number(seconds) }];
}
