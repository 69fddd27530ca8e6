import { HoldfastError } from '@holdfast/types';
import { expect } from 'vitest';

/** What a call is refused with. */
export async function errorOf(call: Promise<unknown>): Promise<HoldfastError> {
  const error = await call.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(HoldfastError);
  return error as HoldfastError;
}
