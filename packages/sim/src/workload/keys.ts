/** One that all clients use beside their keys without one. */
export const NAMESPACE = 'space';
const SPACED = storedAs(NAMESPACE, '');

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
  /** Written at `local`, one or several in one request; the last one is deleted now and then. */
  locals: ['l0', 'l1', 'l2', 'l3'],
  /** Of a namespace, as they are stored: written one at a time, and deleted all at once. */
  spaced: ['s0', 's1', 's2'].map(storedInNamespace) as readonly string[],
  /** Written with a time to live, mostly, renewed, kept, and written again. */
  expiring: ['e0', 'e1', 'e2'],
} as const;

/** Of those who take locks. */
export const LOCKS_NAMESPACE = 'held';
export const LOCKS: readonly string[] = ['j0', 'j1'];

/** Where it is stored who holds a lock of that name: see `lockKeys` of the client. */
export function heldKey(lock: string): string {
  return `\0holdfast/lock/${storedAs(LOCKS_NAMESPACE, lock)}`;
}

/** Written by its holders alone, in that namespace. */
export function guardedKey(lock: string): string {
  return `by ${lock}`;
}

/** Of those who keep leases: put with several of them, and written beside them. */
export const LEASES_NAMESPACE = 'leased';
export const LEASED_KEYS: readonly string[] = ['o0', 'o1', 'o2', 'o3'];

/** How the key of every lease in that namespace begins: see `leaseKey` of the client. */
export const LEASE_ANCHORS: string = `\0holdfast/lease/${storedAs(LEASES_NAMESPACE, '')}`;

/** Tag, length of the name, name: see `NamespaceKeys` of the client. */
export function storedAs(namespace: string, own: string): string {
  return `\0n${String.fromCharCode(namespace.length)}${namespace}${own}`;
}

/** Written and read when the faults have ended, to see whether a majority goes on. */
export const PROBE_KEY = 'probe';

/** Read one at a time. */
export const SINGLE_KEYS: readonly string[] = [
  ...KEYS.registers,
  ...KEYS.counters,
  ...KEYS.locals,
  ...KEYS.spaced,
];

/** What a range over everything that has no namespace can find. */
export const PLAIN_KEYS: readonly string[] = [...SINGLE_KEYS, ...KEYS.pairs.flat(), ...KEYS.expiring].filter(
  (key) => ownKey(key) === undefined,
);

const EXPIRING: ReadonlySet<string> = new Set(KEYS.expiring);
const DELETED: ReadonlySet<string> = new Set(['k2', 'k3', 'l3', ...KEYS.spaced, ...KEYS.expiring]);

/** It may be gone by itself. */
export function isExpiring(key: string): boolean {
  return EXPIRING.has(key);
}

/** It may be gone, by whatever. */
export function isDeleted(key: string): boolean {
  return DELETED.has(key);
}

/** What the namespace calls a key that is stored in it; undefined for one that is not. */
export function ownKey(stored: string): string | undefined {
  return stored.startsWith(SPACED) ? stored.slice(SPACED.length) : undefined;
}

export function storedInNamespace(own: string): string {
  return SPACED + own;
}
