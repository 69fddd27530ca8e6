/** Bounds of a range, as abstract-level has them: of two on one side the inclusive one goes before. */
export interface KeyBounds {
  readonly gt?: Uint8Array;
  readonly gte?: Uint8Array;
  readonly lt?: Uint8Array;
  readonly lte?: Uint8Array;
}

/** The range among stored keys, with the ends of the key space where the caller named none. */
export function storedBounds(
  { gt, gte, lt, lte }: KeyBounds,
  stored: (key: Uint8Array) => Uint8Array,
  space: { readonly first: Uint8Array; readonly end?: Uint8Array },
): KeyBounds {
  const lower =
    gte !== undefined ? { gte: stored(gte) } : gt !== undefined ? { gt: stored(gt) } : { gte: space.first };
  if (lte !== undefined) return { ...lower, lte: stored(lte) };
  const end = lt !== undefined ? stored(lt) : space.end;
  return end === undefined ? lower : { ...lower, lt: end };
}

/** The part of a range that lies behind a key, in stored keys. */
export function rangeBehind(range: KeyBounds, key: Uint8Array | undefined, reverse: boolean): KeyBounds {
  if (key === undefined) return range;
  const { gt, gte, lt, lte } = range;
  if (reverse) return { lt: key, ...(gt === undefined ? {} : { gt }), ...(gte === undefined ? {} : { gte }) };
  return { gt: key, ...(lt === undefined ? {} : { lt }), ...(lte === undefined ? {} : { lte }) };
}
