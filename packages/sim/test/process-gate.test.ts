import { beforeEach, describe, expect, it } from 'vitest';
import { SimClock, SimDisk, SimRandom } from '../src/index.ts';
import { ProcessClock } from '../src/process/process-clock.ts';
import { ProcessDisk } from '../src/process/process-disk.ts';
import { ProcessGate } from '../src/process/process-gate.ts';

let clock: SimClock;
let gate: ProcessGate;
let events: string[];

beforeEach(() => {
  clock = new SimClock();
  gate = new ProcessGate({ clock, random: new SimRandom(1) });
  events = [];
});

function happens(what: string): () => void {
  return () => events.push(`${clock.now()} ${what}`);
}

function processClock(rate = 1): ProcessClock {
  return new ProcessClock({ clock, gate, rate, wallOffsetMs: () => 0 });
}

describe('A process', () => {
  it('meets what waited while it was frozen when it is thawed, each source in its order', async () => {
    gate.freeze();
    for (const what of ['a', 'b', 'c']) gate.run('network', happens(what));
    for (const what of ['x', 'y']) gate.run('disk', happens(what));
    await clock.advance(50);
    expect(events).toEqual([]);
    gate.thaw();
    await clock.advance(0);
    expect(events.filter((event) => /[abc]/.test(event))).toEqual(['50 a', '50 b', '50 c']);
    expect(events.filter((event) => /[xy]/.test(event))).toEqual(['50 x', '50 y']);
  });

  it('is not overtaken by what comes while it catches up', async () => {
    gate.freeze();
    for (const what of ['a', 'b']) gate.run('network', happens(what));
    gate.thaw();
    gate.run('network', happens('c'));
    await clock.advance(0);
    gate.run('network', happens('d'));
    expect(events).toEqual(['0 a', '0 b', '0 c', '0 d']);
  });

  it('hears nothing once it is dead, not even of what it had begun', async () => {
    const seams = processClock();
    seams.setTimer(10, happens('timer'));
    const disk = new ProcessDisk(new SimDisk({ clock, latencyMs: 5 }), gate);
    disk.makeDirectory('/data').then(happens('answered'), happens('refused'));
    gate.kill();
    disk.makeDirectory('/other').then(happens('answered'), happens('refused'));
    await clock.advance(100);
    expect(events).toEqual([]);
  });

  it('has timers that count by its own clock, and may be cancelled while it is frozen', async () => {
    const seams = processClock(2);
    seams.setTimer(20, () => happens(`fires at ${seams.now()}`)());
    const timer = seams.setTimer(30, happens('cancelled'));
    await clock.advance(12);
    expect(events).toEqual(['10 fires at 20']);
    gate.freeze();
    await clock.advance(10);
    timer.cancel();
    gate.thaw();
    await clock.advance(10);
    expect(events).toEqual(['10 fires at 20']);
  });
});
