import { HoldfastError } from '@holdfast/types';

/** A refused message: `field` is the path of what is wrong, `problem` what is wrong with it. */
export function invalid(field: string, problem: string): HoldfastError {
  return new HoldfastError('HOLDFAST_INVALID_MESSAGE', `${field}: ${problem}`);
}

/** The same error, seen from one level further out. */
export function within(error: unknown, outerField: string): unknown {
  if (!(error instanceof HoldfastError) || error.code !== 'HOLDFAST_INVALID_MESSAGE') return error;
  return new HoldfastError('HOLDFAST_INVALID_MESSAGE', `${outerField}.${error.message}`);
}
