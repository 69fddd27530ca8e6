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

export function textOf(base64: string): string {
  return Buffer.from(base64, 'base64').toString('utf8');
}
