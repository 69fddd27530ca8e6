import { Holdfast } from '@holdfast/client';
import { RateLimiter } from './rate-limiter.ts';

/** `nodes`: the cluster to run on, as `Holdfast` takes it. */
async function main(nodes: string): Promise<void> {
  const processes = [1, 2, 3].map(() => new Holdfast(nodes, { namespace: 'rate-limiter' }));
  const limiters = processes.map((db) => new RateLimiter(db, { limit: 5, windowMs: 60_000 }));

  const now = Date.now();
  const calls = Array.from({ length: 12 }, (_, call) => limiters[call % 3]?.allow('ada', now));
  const allowed = (await Promise.all(calls)).filter((isAllowed) => isAllowed === true);
  console.log(`of 12 calls at once through 3 processes ${allowed.length} were allowed`);
  console.log(`somebody else: ${await limiters[0]?.allow('bob', now)}`);
  console.log(`a minute later: ${await limiters[1]?.allow('ada', now + 60_000)}`);

  const livesForMs = (await limiters[2]?.livesFor('ada', now)) ?? 0;
  console.log(`the count is gone by itself: ${livesForMs > 0 && livesForMs <= 70_000}`);
  await Promise.all(processes.map((db) => db.close()));
}

void main(process.argv[2] ?? 'ws://127.0.0.1:7101,ws://127.0.0.1:7102,ws://127.0.0.1:7103');
