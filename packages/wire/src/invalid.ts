import { HoldfastError, PROTOCOL_VERSION } from '@holdfast/types';

/** A refused message: `field` is the path of what is wrong, `problem` what is wrong with it. */
export function invalid(field: string, problem: string): HoldfastError {
  return new HoldfastError('HOLDFAST_INVALID_MESSAGE', `${field}: ${problem}`);
}

/** The same error, seen from one level further out. */
export function within(error: unknown, outerField: string): unknown {
  if (!(error instanceof HoldfastError) || error.code !== 'HOLDFAST_INVALID_MESSAGE') return error;
  return new HoldfastError('HOLDFAST_INVALID_MESSAGE', `${outerField}.${error.message}`);
}

/**
 * A greeting names the version first, and may look different in another one: then that is what is wrong. Where it can be
 * read all the same the caller judges, and can say more.
 */
export function ofVersion<Greeting>(protocol: number, read: () => Greeting): Greeting {
  try {
    return read();
  } catch (cause) {
    if (protocol === PROTOCOL_VERSION) throw cause;
    const message = `the other side speaks protocol ${protocol}, this one ${PROTOCOL_VERSION}`;
    throw new HoldfastError('HOLDFAST_VERSION_MISMATCH', message, { cause });
  }
}
