import { blame, blamingProduct } from './blame.ts';

/**
 * An object of the code under test, for the simulator's own code to call: it is known then whose error it is that comes out
 * of a method, of the promise that it gives, or of an iterator.
 */
export function underTest<Target extends object>(target: Target): Target {
  return new Proxy(target, {
    get(of, name) {
      const value: unknown = Reflect.get(of, name, of);
      if (typeof value !== 'function') return value;
      return (...words: unknown[]) => blamingResult(blamingProduct(() => value.apply(of, words)));
    },
  });
}

/** The promise itself, which comes to its end no later than without this. */
function blamingResult(result: unknown): unknown {
  if (result instanceof Promise) {
    result.then(undefined, (error: unknown) => blame(error, 'crash'));
    return result;
  }
  return isIterator(result) ? underTest(result) : result;
}

function isIterator(result: unknown): result is object {
  return typeof result === 'object' && result !== null && 'next' in result;
}
