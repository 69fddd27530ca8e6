import { checkLinearizable, registerModel } from '@holdfast/check';
import { expect, it } from 'vitest';
import { simulatedHistory } from './support/simulated-history.ts';
import { THRESHOLDS } from './thresholds.ts';

it('the linearizability checker keeps up with long histories', () => {
  const plan = { model: 'register', operations: 20_000, clients: 16, keys: 50, unknownShare: 0.001, seed: 1 };
  const history = simulatedHistory(plan);
  const startedAt = performance.now();
  expect(checkLinearizable(registerModel, history).verdict).toBe('ok');
  expect(performance.now() - startedAt).toBeLessThan(THRESHOLDS.checkLinearizableMs.asserted);
});
