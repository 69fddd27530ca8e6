/** Keys of a run, by what is done with them; few, so that calls meet. */
export const KEYS = {
  /** Written at `quorum` and `all`, with and without conditions; the last two are deleted now and then. */
  registers: ['k0', 'k1', 'k2', 'k3'],
  counters: ['c0', 'c1'],
  /** Always written together, in one request. */
  pairs: [
    ['p0a', 'p0b'],
    ['p1a', 'p1b'],
  ],
  /** Written at `local`; the last one is deleted now and then. */
  locals: ['l0', 'l1', 'l2', 'l3'],
} as const;

/** Read one at a time. */
export const SINGLE_KEYS: readonly string[] = [...KEYS.registers, ...KEYS.counters, ...KEYS.locals];

export const ALL_KEYS: readonly string[] = [...SINGLE_KEYS, ...KEYS.pairs.flat()];

const DELETED: ReadonlySet<string> = new Set(['k2', 'k3', 'l3']);

export function isDeleted(key: string): boolean {
  return DELETED.has(key);
}
