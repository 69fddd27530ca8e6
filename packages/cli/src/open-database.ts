import { Holdfast } from '@holdfast/client';
import type { Ack, Consistency } from '@holdfast/types';
import type { ClusterOptions } from './commands/setup.ts';
import { clusterOf } from './commands/setup.ts';
import type { Context } from './context.ts';

export type Database = Holdfast<Buffer, Buffer>;

export interface DatabaseOptions extends ClusterOptions {
  readonly ack?: Ack;
  readonly consistency?: Consistency;
  /** The keys of that one alone, as its applications know them. */
  readonly namespace?: string;
}

/**
 * A database whose keys and values are bytes, for as long as `work` takes: keys as they are stored, those of every
 * namespace and the reserved ones among them, unless a namespace is named.
 */
export async function withDatabase<Result>(
  options: DatabaseOptions,
  context: Context,
  work: (database: Database) => Promise<Result>,
): Promise<Result> {
  const { nodes } = clusterOf(options, context);
  const database: Database = new Holdfast<Buffer, Buffer>(
    nodes.map(({ url }) => url),
    {
      keyEncoding: 'buffer',
      valueEncoding: 'buffer',
      ...(options.namespace === undefined ? { rawKeys: true } : { namespace: options.namespace }),
      ack: options.ack,
      consistency: options.consistency,
      timeoutMs: options.timeout,
      openTimeoutMs: options.timeout,
      name: 'holdfast-cli',
    },
  );
  try {
    await database.open();
    return await work(database);
  } finally {
    await database.close();
  }
}
