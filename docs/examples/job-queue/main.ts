import { Holdfast } from '@holdfast/client';
import { JobQueue } from './job-queue.ts';

/** `nodes`: the cluster to run on, as `Holdfast` takes it. */
async function main(nodes: string): Promise<void> {
  const db = new Holdfast(nodes, { namespace: 'job-queue' });
  const queue = new JobQueue(db);
  for (const id of ['1', '2', '3']) await queue.add(`resize picture ${id}`, id);

  const done = new Map<string, number>();
  async function work(worker: string): Promise<void> {
    for (;;) {
      const job = await queue.take(worker);
      if (job === undefined) return;
      if (await queue.finish(job, worker)) done.set(job.task, (done.get(job.task) ?? 0) + 1);
    }
  }
  await Promise.all(['anna', 'ben', 'carl'].map(work));

  for (const [task, times] of [...done].sort()) console.log(`${task}: done ${times} time`);
  console.log(`still waiting: ${(await db.sublevel('waiting').keys().all()).length}`);
  await db.close();
}

void main(process.argv[2] ?? 'ws://127.0.0.1:7101,ws://127.0.0.1:7102,ws://127.0.0.1:7103');
