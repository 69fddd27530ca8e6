import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, expect, it } from 'vitest';
import { fetchSurvived } from '../../src/divergence/call-results.ts';

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

function nodesOf(nodes: { url: string }[]): Parameters<typeof fetchSurvived>[0] {
  return nodes.map(({ url }) => ({ id: undefined, url }));
}

it('a call survived if any node has its result: one that is behind still keeps what the others have let go', async () => {
  const ahead = await node(() => 10, { '2.5.0/1': 'done', '2.5.0/2': 'closed', '2.5.0/3': 'fresh' });
  const behind = await node(() => 4, { '2.5.0/1': 'fresh', '2.5.0/2': 'done', '2.5.0/3': 'fresh' });
  const given = { revision: 10, timeoutMs: 2000 };
  expect(await fetchSurvived(nodesOf([behind, ahead]), calls, given)).toEqual([true, true, false]);
});

it('waits for a node that has come so far', async () => {
  let revision = 7;
  const one = await node(() => (revision += 1), { '2.5.0/2': 'done' });
  const given = { revision: 10, timeoutMs: 10_000 };
  expect(await fetchSurvived(nodesOf([one]), calls, given)).toEqual([false, true, false]);
  expect(questions).toHaveLength(3);
});

it('says so if none comes so far in time, or none answers', async () => {
  const one = await node(() => 9, {});
  const given = { revision: 10, timeoutMs: 100 };
  const refused = { code: 'HOLDFAST_NOT_READY' };
  await expect(fetchSurvived(nodesOf([one]), calls, given)).rejects.toMatchObject(refused);
  const nobody = nodesOf([{ url: 'ws://127.0.0.1:1' }]);
  await expect(fetchSurvived(nobody, calls, given)).rejects.toMatchObject(refused);
});

it('asks for very many in several questions', async () => {
  const many = Array.from({ length: 450 }, (_, at) => ({ session: '2.5.0', sequence: at + 1 }));
  const one = await node(() => 10, { '2.5.0/1': 'done', '2.5.0/450': 'done' });
  const survived = await fetchSurvived(nodesOf([one]), many, { revision: 10, timeoutMs: 2000 });
  expect(survived.flatMap((has, at) => (has ? [at] : []))).toEqual([0, 449]);
  expect(questions).toEqual([200, 200, 50]);
});
