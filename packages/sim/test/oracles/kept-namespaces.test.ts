import { expect, test } from 'vitest';
import { checkNamespace } from '../../src/oracles/kept-namespaces.ts';
import { KEYS, storedInNamespace } from '../../src/workload/keys.ts';

const spaced = new Set(KEYS.spaced);

test('keys of the namespace are as they should be, few or all', () => {
  checkNamespace('c1', [], spaced);
  checkNamespace('c1', ['s2', 's0', 's1'].map(storedInNamespace), spaced);
});

test('a key from outside is caught, and so is one of the namespace seen from outside', () => {
  expect(() => checkNamespace('c1', [storedInNamespace('s0'), storedInNamespace('k0')], spaced)).toThrow(
    'where it cannot be',
  );
  expect(() => checkNamespace('c1', ['k0', storedInNamespace('s0')], new Set(KEYS.registers))).toThrow(
    'where it cannot be',
  );
});
