import { type Holdfast, HoldfastError } from '@holdfast/client';

/** An entry as `/v1/divergence/:id` prints it: byte strings as base64. */
export interface PrintedDivergence {
  readonly id: string;
  readonly logTime: number;
  readonly undecided: boolean;
  readonly writes: readonly {
    readonly mutations: readonly {
      readonly kind: 'put' | 'del';
      readonly key: string;
      readonly value?: string;
      readonly revision: number;
    }[];
  }[];
}

export type ReapplyOutcome = 'reapplied' | 'repeated' | 'conflict';

/** One request of a diverged entry; `name` is the same whoever lists it. */
export interface PrintedWrite {
  readonly name: string;
  readonly mutations: PrintedDivergence['writes'][number]['mutations'];
}

/**
 * Requests come back one by one: an entry is what one fsync held, so that next to a lost `local` write there may
 * lie an attempt at `quorum` that its client has repeated at the new primary, which is then the newer.
 */
export function writesOf(entry: PrintedDivergence): PrintedWrite[] {
  return entry.writes.map(({ mutations }, ordinal) => ({ name: `${entry.id}/${ordinal}`, mutations }));
}

/**
 * Brings a diverged request back as one write at quorum: its mutations and a marker that is absent before, under
 * the condition that no key is newer than what the request wrote. The marker makes it happen once, whoever asks.
 */
export async function reapply(
  client: Holdfast<string, string>,
  write: PrintedWrite,
): Promise<ReapplyOutcome> {
  const marker = `\u0000reapplied/${write.name}`;
  const newest = new Map(write.mutations.map((mutation) => [textOf(mutation.key), mutation]));
  if ((await client.get(marker, { consistency: 'linearizable' })) !== undefined) return 'repeated';
  const conditions = [{ key: marker, revision: 0 }];
  for (const [key, { revision }] of newest) {
    const held = (await client.read(key, { consistency: 'linearizable' }))?.revision ?? 0;
    if (held > revision) return 'conflict';
    conditions.push({ key, revision: held });
  }
  const operations = [...newest].map(([key, { kind, value }]) =>
    kind === 'put'
      ? { type: 'put' as const, key, value: textOf(value ?? '') }
      : { type: 'del' as const, key },
  );
  try {
    await client.write([...operations, { type: 'put', key: marker, value: '1' }], {
      ack: 'quorum',
      conditions,
    });
    return 'reapplied';
  } catch (error) {
    if (!(error instanceof HoldfastError) || error.code !== 'HOLDFAST_CONFLICT') throw error;
    return (await client.get(marker, { consistency: 'linearizable' })) === undefined
      ? 'conflict'
      : 'repeated';
  }
}

export function textOf(base64: string): string {
  return Buffer.from(base64, 'base64').toString('utf8');
}
