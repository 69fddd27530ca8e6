import { NAMESPACE_TAG } from '@holdfast/client';
import type { ClusterOptions } from '../commands/setup.ts';
import { confirm } from '../confirm.ts';
import type { Context } from '../context.ts';
import { EXIT, type ExitStatus } from '../exit-codes.ts';
import { withDatabase } from '../open-database.ts';
import { afterPrefix } from '../reserved-keys.ts';
import { escaped, fromBytes } from '../values.ts';

export interface DropOptions extends ClusterOptions {
  readonly yes?: true;
}

/** The namespaces that hold a key, in the order of their keys: the shorter names first. */
export async function listNamespaces(options: ClusterOptions, context: Context): Promise<void> {
  const { output } = context;
  await withDatabase(options, context, async (database) => {
    const end = afterPrefix(NAMESPACE_TAG) as Buffer;
    const keys = database.keys({ gte: NAMESPACE_TAG, lt: end });
    try {
      // One key of each: on to the first behind all of its namespace, however many those are.
      for (let key = await keys.next(); key !== undefined; key = await keys.next()) {
        const prefix = prefixOf(key);
        const name = prefix && fromBytes(prefix.subarray(NAMESPACE_TAG.length + 1), 'utf8');
        if (name !== undefined) {
          if (options.json === true) output.json({ namespace: name });
          else output.line(escaped(name));
          await output.drained();
        }
        keys.seek((prefix && afterPrefix(prefix)) ?? Buffer.concat([key, Buffer.of(0)]));
      }
    } finally {
      await keys.close();
    }
  });
}

/** Deletes all that the namespace holds: it is then as one that was never written to. */
export async function dropNamespace(
  namespace: string,
  options: DropOptions,
  context: Context,
): Promise<ExitStatus> {
  return await withDatabase({ ...options, namespace }, context, async (database) => {
    const [any] = await database.keys({ limit: 1 }).all();
    if (any === undefined) {
      context.output.words('there is no such namespace, or it is empty');
      return EXIT.refused;
    }
    await confirm(
      `All keys of the namespace ${JSON.stringify(namespace)} will be deleted.`,
      options.yes === true,
      context,
    );
    await database.clear();
    context.output.words(`dropped: ${JSON.stringify(namespace)} is empty`);
    return EXIT.done;
  });
}

/** Tag, length and name; undefined for a key that some tool has put there and that is of no namespace. */
function prefixOf(key: Buffer): Buffer | undefined {
  const length = key[NAMESPACE_TAG.length] ?? 0;
  const end = NAMESPACE_TAG.length + 1 + length;
  return length > 0 && end <= key.length ? key.subarray(0, end) : undefined;
}
