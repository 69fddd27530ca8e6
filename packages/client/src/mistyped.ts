/** The name that was meant, if `name` is none of `known` and yet so like one that it cannot be meant otherwise. */
export function meantBy(name: string, known: ReadonlySet<string>): string | undefined {
  if (known.has(name)) return undefined;
  const plain = plainOf(name);
  for (const candidate of known) {
    const other = plainOf(candidate);
    // A short name is one letter from many words: back, pack and lack mean no ack.
    if (other.length <= 3 && other[0] !== plain[0]) continue;
    if (editsBetween(plain, other) <= (other.length > 5 ? 2 : 1)) return candidate;
  }
  return undefined;
}

function plainOf(name: string): string {
  return name.toLowerCase().replaceAll(/[-_]/g, '');
}

/** Levenshtein's distance. */
function editsBetween(left: string, right: string): number {
  let row = Array.from({ length: right.length + 1 }, (_, place) => place);
  for (let place = 1; place <= left.length; place += 1) {
    const next = [place];
    for (let other = 1; other <= right.length; other += 1) {
      const replaced = (row[other - 1] ?? 0) + (left[place - 1] === right[other - 1] ? 0 : 1);
      next.push(Math.min(replaced, (row[other] ?? 0) + 1, (next[other - 1] ?? 0) + 1));
    }
    row = next;
  }
  return row[right.length] ?? 0;
}
