import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import type { WriteSummary } from '@holdfast/client';
import { type Ack, HoldfastError, LIMITS } from '@holdfast/types';
import type { ClusterOptions } from '../commands/setup.ts';
import type { Context } from '../context.ts';
import { withDatabase } from '../open-database.ts';
import { type TextEncoding, toBytes } from '../values.ts';
import { parseBatch } from './batch-lines.ts';

export interface WriteOptions extends ClusterOptions {
  readonly encoding: TextEncoding;
  readonly keyEncoding: TextEncoding;
  readonly ack?: Ack;
  readonly ifRevision?: number;
  readonly ifAbsent?: true;
  readonly file?: string;
  /** Milliseconds. */
  readonly ttl?: number;
}

export async function put(
  keyText: string,
  valueText: string | undefined,
  options: WriteOptions,
  context: Context,
): Promise<void> {
  const key = toBytes(keyText, options.keyEncoding);
  const value = await givenValue(valueText, options, context);
  await withDatabase(options, context, async (database) => {
    const { ifRevision, ifAbsent, ttl: ttlMs } = options;
    const summary = await database.write([{ type: 'put', key, value, ttlMs }], { ifRevision, ifAbsent });
    report('written', summary, options, context);
  });
}

export async function del(keyText: string, options: WriteOptions, context: Context): Promise<void> {
  const key = toBytes(keyText, options.keyEncoding);
  await withDatabase(options, context, async (database) => {
    const { ifRevision, ifAbsent } = options;
    report(
      'deleted',
      await database.write([{ type: 'del', key }], { ifRevision, ifAbsent }),
      options,
      context,
    );
  });
}

export async function incr(
  keyText: string,
  by: number,
  options: WriteOptions,
  context: Context,
): Promise<void> {
  const key = toBytes(keyText, options.keyEncoding);
  await withDatabase(options, context, async (database) => {
    const { value, revision } = await database.increment(key, by);
    if (options.json === true) context.output.json({ value, revision });
    else context.output.line(String(value));
  });
}

export async function batch(options: WriteOptions, context: Context): Promise<void> {
  const bytes = await givenBytes(options, context);
  const lines = parseBatch(bytes.toString('utf8'), options);
  const conditions = lines.flatMap(({ operation: { key }, ifRevision }) =>
    ifRevision === undefined ? [] : [{ key, revision: ifRevision }],
  );
  await withDatabase(options, context, async (database) => {
    const summary = await database.write(
      lines.map(({ operation }) => operation),
      { conditions },
    );
    report(`${lines.length} operations applied`, summary, options, context);
  });
}

/** What the file of `--file`, or else stdin, holds. */
export async function givenBytes({ file }: Pick<WriteOptions, 'file'>, context: Context): Promise<Buffer> {
  return file === undefined ? await readStdin(context) : readFile(file, context);
}

function report(what: string, summary: WriteSummary, { json }: WriteOptions, { output }: Context): void {
  const { revision, term, ack, copies, repeated } = summary;
  if (json === true) return output.json({ revision, term, ack, copies, repeated });
  const nodes = copies === 1 ? '1 node' : `${copies} nodes`;
  output.words(`${what}: revision ${revision}, term ${term}, acknowledged at ${ack}, on ${nodes}`);
}

async function givenValue(
  text: string | undefined,
  options: WriteOptions,
  context: Context,
): Promise<Buffer> {
  if (options.file !== undefined) {
    if (text === undefined) return fromFileOrPipe(readFile(options.file, context), options.encoding);
    throw new HoldfastError('HOLDFAST_INVALID_ARGUMENT', 'give either a value or --file, not both');
  }
  if (text === '-') return fromFileOrPipe(await readStdin(context), options.encoding);
  if (text !== undefined) return toBytes(text, options.encoding);
  throw new HoldfastError('HOLDFAST_INVALID_ARGUMENT', 'give a value, - for stdin, or --file');
}

/** With utf8 the bytes are the value as they are, be they text or not. */
function fromFileOrPipe(bytes: Buffer, encoding: TextEncoding): Buffer {
  return encoding === 'utf8' ? bytes : toBytes(bytes.toString('latin1'), encoding);
}

function readFile(path: string, { directory }: Context): Buffer {
  try {
    return readFileSync(resolve(directory, path));
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new HoldfastError('HOLDFAST_INVALID_ARGUMENT', `--file: ${reason}`, { cause });
  }
}

async function readStdin({ stdin }: Context): Promise<Buffer> {
  const parts: Buffer[] = [];
  let bytes = 0;
  for await (const part of stdin) {
    parts.push(part as Buffer);
    bytes += (part as Buffer).length;
    // No request can be so large, in whatever encoding.
    if (bytes > 4 * LIMITS.requestBytesMax) {
      throw new HoldfastError(
        'HOLDFAST_REQUEST_TOO_LARGE',
        `stdin holds more than one write may: ${LIMITS.requestBytesMax} bytes`,
      );
    }
  }
  return Buffer.concat(parts);
}
