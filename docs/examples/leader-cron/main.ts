import { Holdfast } from '@holdfast/client';
import { Cron } from './cron.ts';

const NAMES = ['anna', 'ben', 'carl'];
const TICKS = 3;

/** `nodes`: the cluster to run on, as `Holdfast` takes it. */
async function main(nodes: string): Promise<void> {
  const done: { readonly tick: number; readonly who: string }[] = [];
  const news = new EventTarget();
  const processes = NAMES.map((who) => {
    const db = new Holdfast(nodes, { namespace: 'leader-cron' });
    const job = (tick: number): void => {
      done.push({ tick, who });
      news.dispatchEvent(new Event('tick'));
    };
    const stop = new AbortController();
    return { who, db, stop, cron: new Cron(db, { who, everyMs: 100, ttlMs: 5000, job }) };
  });
  async function ticksOf(who: string): Promise<void> {
    while (done.filter((tick) => tick.who === who).length < TICKS)
      await new Promise((resolve) => news.addEventListener('tick', resolve, { once: true }));
  }

  const watching = leadersSeen(processes[0]?.cron);
  const ended: Promise<void>[] = [];
  // Each when the one before leads: leaders come in this order.
  for (const { who, cron, stop } of processes) {
    ended.push(cron.run(stop.signal));
    await ticksOf(who);
    console.log(`${who} has led for ${TICKS} ticks`);
    stop.abort();
  }
  await Promise.all(ended);
  console.log(`leaders, as anna saw them: ${(await watching).join(', ')}`);
  console.log(`ticks done twice: ${done.length - new Set(done.map(({ tick }) => tick)).size}`);
  await Promise.all(processes.map(({ db }) => db.close()));
}

async function leadersSeen(cron: Cron | undefined): Promise<string[]> {
  const seen: string[] = [];
  for await (const leader of cron?.leaders() ?? []) {
    if (leader !== undefined && seen.push(leader.value) === NAMES.length) break;
  }
  return seen;
}

void main(process.argv[2] ?? 'ws://127.0.0.1:7101,ws://127.0.0.1:7102,ws://127.0.0.1:7103');
