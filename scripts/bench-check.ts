import { checkLinearizable, counterModel, keyValueModel, registerModel } from '@holdfast/check';
import { simulatedHistory } from '../test/support/simulated-history.ts';

/** Prints how long the linearizability checker takes on histories of an honest store. */
const OPERATIONS = 20_000;

console.log('model      clients  keys  unknown  steps      ms');
for (const { clients, keys, unknownShare } of [
  { clients: 16, keys: 50, unknownShare: 0 },
  { clients: 16, keys: 50, unknownShare: 0.01 },
  { clients: 16, keys: 1, unknownShare: 0 },
  { clients: 64, keys: 50, unknownShare: 0.001 },
]) {
  for (const model of [registerModel, keyValueModel, counterModel] as const) {
    const history = simulatedHistory({
      model: model.name,
      operations: OPERATIONS,
      clients,
      keys,
      unknownShare,
      seed: 1,
    });
    const startedAt = performance.now();
    const { verdict, steps } = checkLinearizable(model as typeof registerModel, history);
    const ms = performance.now() - startedAt;
    const cells = [model.name.padEnd(10), clients, keys, unknownShare, steps, ms.toFixed(0), verdict];
    console.log(cells.join('  '));
  }
}
