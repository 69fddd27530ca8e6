import { SafetyViolation } from './safety-violation.ts';

/**
 * Who bounds the age of what it reads is told an age within the bound (G11). `ageMs`: as the client was told it; undefined:
 * it was told none.
 */
export function checkToldAge(client: string, ageMs: number | undefined, boundMs: number): void {
  if (ageMs !== undefined && ageMs >= 0 && ageMs <= boundMs) return;
  throw new SafetyViolation(
    'told ages',
    `${client} was given what is ${ageMs ?? 'unknown how many'} ms old; ${boundMs} was the most`,
  );
}
