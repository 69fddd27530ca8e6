/** Thrown for a broken invariant: programmer error, the process must not go on. */
export class AssertionError extends Error {
  override readonly name = 'AssertionError';
}

/** Stays on in production: an invariant that does not hold ends the process, not the data. */
export function assert(condition: boolean, message: string): asserts condition {
  if (!condition) throw new AssertionError(message);
}

/** Ends a switch over a closed union. */
export function assertNever(value: never): never {
  throw new AssertionError(`unexpected value: ${JSON.stringify(value)}`);
}
