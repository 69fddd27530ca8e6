import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, expect, it } from 'vitest';
import { CallResults } from '../../src/divergence/call-results.ts';

const servers: Server[] = [];

afterEach(async () => {
  for (const server of servers.splice(0)) await new Promise((resolve) => server.close(resolve));
});

/** Has applied up to what `revision` says at each question, and knows of the calls of `kinds`. */
async function node(revision: () => number, kinds: Record<string, string>): Promise<{ url: string }> {
  const server = createServer((request, response) => {
    const of = new URL(request.url as string, 'http://x').searchParams.get('of') as string;
    const calls = of.split(',');
    questions.push(calls.length);
    const results = calls.map((call) => kinds[call] ?? 'unknownSession');
    response.end(JSON.stringify({ revision: revision(), results }));
  });
  servers.push(server);
  questions.length = 0;
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return { url: `ws://127.0.0.1:${(server.address() as AddressInfo).port}` };
}

const questions: number[] = [];
const calls = [1, 2, 3].map((sequence) => ({ session: '2.5.0', sequence }));

function resultsOf(nodes: { url: string }[], timeoutMs: number): CallResults {
  return new CallResults(
    nodes.map(({ url }) => ({ id: undefined, url })),
    timeoutMs,
  );
}

it('a call survived if any node has its result: one that is behind still keeps what the others have let go', async () => {
  const ahead = await node(() => 10, { '2.5.0/1': 'done', '2.5.0/2': 'closed', '2.5.0/3': 'fresh' });
  const behind = await node(() => 4, { '2.5.0/1': 'fresh', '2.5.0/2': 'done', '2.5.0/3': 'fresh' });
  expect(await resultsOf([behind, ahead], 2000).survived(calls, 10)).toEqual([true, true, false]);
});

it('waits for a node that has come so far', async () => {
  let revision = 7;
  const one = await node(() => (revision += 1), { '2.5.0/2': 'done' });
  expect(await resultsOf([one], 10_000).survived(calls, 10)).toEqual([false, true, false]);
  expect(questions).toHaveLength(3);
});

it('says so if none comes so far in time, or none answers', async () => {
  const one = await node(() => 9, {});
  const refused = { code: 'HOLDFAST_NOT_READY' };
  await expect(resultsOf([one], 100).survived(calls, 10)).rejects.toMatchObject(refused);
  const nobody = resultsOf([{ url: 'ws://127.0.0.1:1' }], 100);
  await expect(nobody.survived(calls, 10)).rejects.toMatchObject(refused);
});

it('asks for very many in several questions', async () => {
  const many = Array.from({ length: 450 }, (_, at) => ({ session: '2.5.0', sequence: at + 1 }));
  const one = await node(() => 10, { '2.5.0/1': 'done', '2.5.0/450': 'done' });
  const survived = await resultsOf([one], 2000).survived(many, 10);
  expect(survived.flatMap((has, at) => (has ? [at] : []))).toEqual([0, 449]);
  expect(questions).toEqual([200, 200, 50]);
});

it('does not wait twice for a node that is silent', async () => {
  const one = await node(() => 10, { '2.5.0/1': 'done' });
  let asked = 0;
  const silent = createServer(() => {
    asked += 1;
  });
  servers.push(silent);
  await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve));
  const url = `ws://127.0.0.1:${(silent.address() as AddressInfo).port}`;
  const results = resultsOf([{ url }, one], 100);
  expect(await results.survived(calls, 10)).toEqual([true, false, false]);
  expect(await results.survived(calls, 10)).toEqual([true, false, false]);
  expect(asked).toBe(1);
});
