import { HoldfastError } from '@holdfast/types';
import type { DivergedMutation, DivergedWrite } from '../../src/divergence/diverged-entries.ts';
import {
  Reapplication,
  type ReapplyDatabase,
  type ReapplyOptions,
  type ReapplyResult,
} from '../../src/divergence/reapply.ts';

/** The semantics of the cluster, in memory: one revision per mutation, writes with conditions, all or nothing. */
export class FakeDatabase implements ReapplyDatabase {
  readonly records = new Map<string, { value: Buffer; revision: number }>();
  revision = 0;
  writes = 0;
  /** Called once, before the next write. */
  beforeWrite: (() => void) | undefined;

  async read(key: Buffer): Promise<{ value: Buffer; revision: number } | undefined> {
    return this.records.get(key.toString());
  }

  put(key: string, value: string): number {
    this.revision += 1;
    this.records.set(key, { value: Buffer.from(value), revision: this.revision });
    return this.revision;
  }

  async write(
    operations: Parameters<ReapplyDatabase['write']>[0],
    { conditions }: Parameters<ReapplyDatabase['write']>[1],
  ): Promise<{ revision: number }> {
    const { beforeWrite } = this;
    this.beforeWrite = undefined;
    beforeWrite?.();
    if (conditions.length > 256) throw new HoldfastError('HOLDFAST_REQUEST_TOO_LARGE', 'too many conditions');
    for (const { key, revision } of conditions) {
      if ((this.records.get(key.toString())?.revision ?? 0) !== revision)
        throw new HoldfastError('HOLDFAST_CONFLICT', 'no');
    }
    this.writes += 1;
    for (const operation of operations) {
      if (operation.type === 'put') this.put(operation.key.toString(), operation.value.toString());
      else {
        this.revision += 1;
        this.records.delete(operation.key.toString());
      }
    }
    return { revision: this.revision };
  }

  async getMany(keys: readonly Buffer[]): Promise<(Buffer | undefined)[]> {
    return keys.map((key) => this.records.get(key.toString())?.value);
  }

  value(key: string): string | undefined {
    return this.records.get(key)?.value.toString();
  }
}

/** `name`: of the entry, and the place in it. */
export function writeOf(
  name: `${string}/${number}`,
  revision: number,
  changes: Record<string, string | undefined>,
  more: Partial<DivergedWrite> = {},
): DivergedWrite {
  const [id, place] = name.split('/') as [string, string];
  const mutations = Object.entries(changes).map(
    ([key, value], at): DivergedMutation => ({
      kind: value === undefined ? 'del' : 'put',
      key: Buffer.from(key),
      value: value === undefined ? undefined : Buffer.from(value),
      revision: revision + at,
    }),
  );
  const call = { session: `2.${id.split('.')[1]}.${place}`, sequence: 1 };
  return { id, place: Number(place), undecided: false, ...call, ack: 'local', mutations, ...more };
}

/** `older`: what else is listed, before it. */
export function options({
  force = false,
  older = [],
  survived = [],
}: {
  force?: boolean;
  older?: readonly DivergedWrite[];
  survived?: readonly DivergedWrite[];
} = {}): ReapplyOptions {
  return {
    force,
    survived: async (writes) => writes.map((write) => survived.includes(write)),
    olderOf: async (_, key) =>
      older.filter(({ mutations }) => mutations.some((mutation) => mutation.key.equals(key))),
  };
}

export async function reapplyOne(
  database: ReapplyDatabase,
  write: DivergedWrite,
  given = options(),
): Promise<ReapplyResult> {
  const [result] = await new Reapplication(database, given).apply([write]);
  return result as ReapplyResult;
}
