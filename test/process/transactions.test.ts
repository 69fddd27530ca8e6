import { Holdfast } from '@holdfast/client';
import { expect, test } from 'vitest';
import { startTestCluster } from '../support/cluster/test-cluster.ts';

const ACCOUNTS = 4;
const SUM = 1000;
const TRANSFERS = 40;

// G5, G8.
test('transfers between accounts keep their sum over kills, and every one runs once', async () => {
  const cluster = await startTestCluster();
  const app = new Holdfast<string, string>(cluster.urls, { namespace: 'bank' });
  const accounts = app.sublevel<string, number>('accounts', { valueEncoding: 'json' });
  const names = Array.from({ length: ACCOUNTS }, (_, number) => `a${number}`);
  await accounts.transaction({
    if: names.map((key) => ({ key, absent: true }) as const),
    then: names.map((key) => ({ type: 'put', key, value: SUM / ACCOUNTS }) as const),
  });
  let ran = 0;
  let inVain = 0;
  const transfer = async (number: number): Promise<void> => {
    const [from, to] = [names[number % ACCOUNTS]!, names[(number + 1) % ACCOUNTS]!];
    for (;;) {
      const read = await accounts.transaction({
        then: [
          { type: 'get', key: from },
          { type: 'get', key: to },
        ],
      });
      const [left, right] = read.steps.map((step) => (step.type === 'get' ? (step.value ?? 0) : 0));
      const { branch, steps } = await accounts.transaction<string, number>({
        if: [
          { key: from, value: left! },
          { key: to, value: right! },
        ],
        then: [
          { type: 'put', key: from, value: left! - 1 },
          { type: 'put', key: to, value: right! + 1 },
          { type: 'increment', key: 'transfers' },
        ],
        else: [{ type: 'get', key: from }],
      });
      if (branch === 'then') {
        ran += 1;
        return;
      }
      inVain += 1;
      expect(steps).toMatchObject([{ type: 'get', value: expect.any(Number) }]);
    }
  };
  for (let kill = 0; kill < 2; kill += 1) {
    const victim = await cluster.primary();
    const transfers = Array.from({ length: TRANSFERS }, (_, number) => transfer(number));
    await cluster.kill(victim);
    await Promise.all(transfers);
    await cluster.start(victim);
    await cluster.caughtUp();
  }
  const values = await accounts.getMany(names);
  expect(values.reduce<number>((sum, value) => sum + (value ?? 0), 0)).toBe(SUM);
  expect(await accounts.get('transfers')).toBe(2 * TRANSFERS);
  expect(ran).toBe(2 * TRANSFERS);
  console.log(`${ran} transfers, ${inVain} races lost`);
  await app.close();
  await cluster.level();
});

test('gets that meet more than a result may hold change nothing, and say so', async () => {
  const cluster = await startTestCluster({ count: 1 });
  const client = await cluster.client();
  await client.put('large', 'x'.repeat(200_000));
  const get = { type: 'get', key: 'large' } as const;
  const one = await client.transaction({ then: [get] });
  expect(one.steps[0]).toMatchObject({ value: 'x'.repeat(200_000) });
  const two = client.transaction({ then: [{ type: 'put', key: 'small', value: '1' }, get, get] });
  await expect(two).rejects.toMatchObject({ code: 'HOLDFAST_RESULT_TOO_LARGE', outcome: 'not-applied' });
  expect(await client.get('small')).toBeUndefined();
  // As many at a time as one session keeps results of, and more: each is answered.
  const many = await Promise.all(Array.from({ length: 20 }, () => client.transaction({ then: [get] })));
  expect(many.map(({ branch }) => branch)).toEqual(new Array(20).fill('then'));
});
