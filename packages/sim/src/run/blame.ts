/** Who let an error out: the code under test, or the simulator around it. */
export type Blamed = 'crash' | 'simulator';

const blamed = new WeakMap<object, Blamed>();

/** Told at the border that an error passes first; what is said of it later, farther out, counts for nothing. */
export function blame(error: unknown, whom: Blamed): void {
  if (typeof error === 'object' && error !== null && !blamed.has(error)) blamed.set(error, whom);
}

/**
 * Undefined: it has passed no border. What the simulator let out is its own fault, whatever the code under test made of
 * it on its way.
 */
export function blamedFor(error: unknown): Blamed | undefined {
  let found: Blamed | undefined;
  for (let one = error; one instanceof Error; one = one.cause) {
    const whom = blamed.get(one);
    if (whom === 'simulator') return whom;
    found ??= whom;
  }
  return found;
}

/** Runs what is of the code under test. */
export function blamingProduct<Result>(call: () => Result): Result {
  try {
    return call();
  } catch (error) {
    blame(error, 'crash');
    throw error;
  }
}
