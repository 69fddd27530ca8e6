import { HoldfastError } from '@holdfast/types';

export function invalidOption(name: string, value: unknown, expected: string): HoldfastError {
  return new HoldfastError(
    'HOLDFAST_INVALID_ARGUMENT',
    `${name}: expected ${expected}, received ${String(value)}`,
  );
}
