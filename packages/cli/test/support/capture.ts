import { Readable } from 'node:stream';
import type { ExitStatus } from '../../src/exit-codes.ts';
import type { TextSink } from '../../src/output.ts';
import { run } from '../../src/run.ts';

export const PROGRAM: string = new URL('../../bin/holdfast.ts', import.meta.url).pathname;

/** Keeps what is written. */
export class TestSink implements TextSink {
  readonly parts: Buffer[] = [];
  isTTY = false;
  columns = 80;
  rows = 24;

  get text(): string {
    return this.bytes.toString('utf8');
  }

  get bytes(): Buffer {
    return Buffer.concat(this.parts);
  }

  write(text: string | Uint8Array, done?: () => void): void {
    this.parts.push(Buffer.from(text as Uint8Array));
    done?.();
  }

  on(): void {}
}

export interface Ran {
  readonly status: ExitStatus;
  readonly stdout: string;
  readonly stderr: string;
  readonly bytes: Buffer;
}

export interface RunSettings {
  readonly directory?: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly stdin?: string | Uint8Array;
}

/** Runs a command in this process. */
export async function runHere(args: readonly string[], settings: RunSettings = {}): Promise<Ran> {
  const [stdout, stderr] = [new TestSink(), new TestSink()];
  const status = await run(args, {
    program: PROGRAM,
    directory: settings.directory ?? '/',
    env: settings.env ?? {},
    stdin: Readable.from(settings.stdin === undefined ? [] : [Buffer.from(settings.stdin as Uint8Array)]),
    stdout,
    stderr,
  });
  return { status, stdout: stdout.text, stderr: stderr.text, bytes: stdout.bytes };
}
