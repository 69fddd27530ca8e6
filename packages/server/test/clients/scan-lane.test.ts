import { expect, test } from 'vitest';
import { type ScanJob, ScanLane } from '../../src/clients/scan-lane.ts';
import { ManualClock } from '../events/manual-clock.ts';

class Job implements ScanJob {
  readonly owner: number;
  readonly deadline: number;
  state: 'new' | 'running' | 'left' | 'expired' = 'new';
  #end: () => void = () => undefined;

  constructor(owner: number, deadline = 10_000) {
    this.owner = owner;
    this.deadline = deadline;
  }

  run(): Promise<void> {
    this.state = 'running';
    return new Promise((resolve) => {
      this.#end = resolve;
    });
  }

  left(): void {
    this.state = 'left';
  }

  expire(): void {
    this.state = 'expired';
  }

  async end(): Promise<void> {
    this.#end();
    await Promise.resolve();
    await Promise.resolve();
  }
}

function laneOf(runningMax: number, waitingMax: number): { lane: ScanLane; clock: ManualClock } {
  const clock = new ManualClock();
  return { lane: new ScanLane({ runningMax, waitingMax, clock }), clock };
}

test('so many run, so many wait, and the rest is refused', () => {
  const { lane } = laneOf(2, 1);
  expect([1, 2, 3, 4].map((owner) => lane.enter(new Job(owner)))).toEqual([
    'running',
    'running',
    'waiting',
    'refused',
  ]);
  expect(lane.refuses()).toBe(true);
  expect(lane.load).toEqual({ running: 2, waiting: 1, refused: 2 });
});

test('connections take turns, whoever asks for more', async () => {
  const { lane } = laneOf(1, 10);
  const first = new Job(1);
  lane.enter(first);
  const greedy = [new Job(1), new Job(1), new Job(1)];
  const modest = new Job(2);
  for (const job of [...greedy, modest]) lane.enter(job);
  await first.end();
  expect(greedy[0]?.state).toBe('running');
  await greedy[0]?.end();
  expect([greedy[1]?.state, modest.state]).toEqual(['new', 'running']);
  await modest.end();
  expect(greedy[1]?.state).toBe('running');
});

test('what nobody wants any more makes room; what runs cannot be taken back', () => {
  const { lane } = laneOf(1, 1);
  const [running, waiting] = [new Job(1), new Job(1)];
  lane.enter(running);
  lane.enter(waiting);
  expect([lane.leave(running), lane.leave(waiting), lane.leave(waiting)]).toEqual([false, true, false]);
  expect(lane.enter(new Job(2))).toBe('waiting');
});

test('work whose time has passed is never begun, and told so in time', async () => {
  const { lane, clock } = laneOf(1, 2);
  const running = new Job(1);
  const [late, alive] = [new Job(2, 1030), new Job(3)];
  for (const job of [running, late, alive]) lane.enter(job);
  clock.advance(60);
  expect([late.state, alive.state]).toEqual(['expired', 'new']);
  expect(lane.load.waiting).toBe(1);
  await running.end();
  expect(alive.state).toBe('running');
});

test('a full lane is emptied of those whose time has passed before anybody is refused', () => {
  const { lane, clock } = laneOf(1, 1);
  lane.enter(new Job(1));
  const late = new Job(2, 1005);
  lane.enter(late);
  clock.advance(10);
  expect(lane.enter(new Job(3))).toBe('waiting');
  expect(late.state).toBe('expired');
});
