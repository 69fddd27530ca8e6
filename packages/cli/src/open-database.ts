import { Holdfast } from '@holdfast/client';
import type { Ack, Consistency } from '@holdfast/types';
import type { ClusterOptions } from './commands/setup.ts';
import { clusterOf } from './commands/setup.ts';
import type { Context } from './context.ts';

export type Database = Holdfast<Buffer, Buffer>;

export interface DatabaseOptions extends ClusterOptions {
  readonly ack?: Ack;
  readonly consistency?: Consistency;
}

/**
 * A database whose keys and values are bytes, for as long as `work` takes: keys as they are stored, those of every
 * namespace and the reserved ones among them.
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
      rawKeys: true,
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
