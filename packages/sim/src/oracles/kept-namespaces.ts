import { SafetyViolation } from './safety-violation.ts';

/** A range over everything finds keys of its own namespace, and none of another or of those without one. */
export function checkNamespace(client: string, found: Iterable<string>, own: ReadonlySet<string>): void {
  for (const key of found)
    if (!own.has(key))
      throw new SafetyViolation('kept namespaces', `${client} finds ${key} where it cannot be`);
}
