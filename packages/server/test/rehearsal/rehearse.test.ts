import { expect, test } from 'vitest';
import { loadConfig } from '../../src/index.ts';
import { rehearse } from '../../src/rehearsal/rehearse.ts';

// By default the limits are those of a node: nothing in the rehearsal may be refused for them.
const { config } = loadConfig({ flags: { id: 'n1', data: '/nowhere', peers: 'n1=ws://127.0.0.1:1' } });

test('everything is said, sent and acknowledged as in a real cluster', async () => {
  expect(await rehearse(config)).toBe(1000);
});

test('it ends too where writes are refused', async () => {
  const limits = { ...config.limits, admitQueueRequestsMax: 1 };
  const written = await rehearse({ ...config, limits });
  expect(written).toBeGreaterThan(0);
  expect(written).toBeLessThanOrEqual(1000);
});
