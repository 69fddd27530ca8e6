import type { Consistency } from '@holdfast/types';
import type { ClusterOptions } from '../commands/setup.ts';
import type { Context } from '../context.ts';
import { EXIT, type ExitStatus } from '../exit-codes.ts';
import { withDatabase } from '../open-database.ts';
import { type TextEncoding, toBytes } from '../values.ts';

export interface ExpireOptions extends ClusterOptions {
  readonly keyEncoding: TextEncoding;
  readonly ack?: 'quorum' | 'all';
}

export interface TtlOptions extends ClusterOptions {
  readonly keyEncoding: TextEncoding;
  readonly consistency?: Consistency;
}

export async function ttl(key: string, options: TtlOptions, context: Context): Promise<ExitStatus> {
  const { output } = context;
  return await withDatabase(options, context, async (database) => {
    const leftMs = await database.ttl(toBytes(key, options.keyEncoding));
    if (leftMs === undefined) return missing(context);
    const ttlMs = Number.isFinite(leftMs) ? leftMs : null;
    if (options.json === true) output.json({ key, ttlMs });
    else output.line(ttlMs === null ? 'none' : String(ttlMs));
    return EXIT.done;
  });
}

/** `ttlMs` undefined: it is to stay. */
export async function expire(
  key: string,
  ttlMs: number | undefined,
  options: ExpireOptions,
  context: Context,
): Promise<ExitStatus> {
  const { output } = context;
  const bytes = toBytes(key, options.keyEncoding);
  return await withDatabase(options, context, async (database) => {
    const isThere = await (ttlMs === undefined ? database.persist(bytes) : database.expire(bytes, ttlMs));
    if (!isThere) return missing(context);
    if (options.json === true) output.json({ key, ttlMs: ttlMs ?? null });
    else output.words(ttlMs === undefined ? 'it stays' : `expires in ${ttlMs} ms`);
    return EXIT.done;
  });
}

function missing({ output }: Context): ExitStatus {
  output.words('there is no such key');
  return EXIT.refused;
}
