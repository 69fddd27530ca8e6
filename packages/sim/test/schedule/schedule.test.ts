import { describe, expect, it } from 'vitest';
import { areAlike, ratesOf } from '../../src/cluster/clock-rates.ts';
import { FAULT_KINDS } from '../../src/faults/fault-types.ts';
import { drawSchedule, formatSchedule, parseSchedule, runSchedule, runSeed } from '../../src/index.ts';

/** A short run of few words. */
const SEED = 12;

describe('A schedule', () => {
  it('is read back as it was written, for any seed', () => {
    for (let seed = 1; seed <= 30; seed += 1) {
      const schedule = drawSchedule(seed);
      expect(parseSchedule(formatSchedule(schedule))).toEqual(schedule);
    }
  });

  it('does what its seed does, byte for byte, once written down and read back', async () => {
    const ofSeed: string[] = [];
    const ofFile: string[] = [];
    const { digest } = await runSeed(SEED, { print: (line) => ofSeed.push(line) });
    const schedule = parseSchedule(formatSchedule(drawSchedule(SEED)));
    const again = await runSchedule(schedule, { print: (line) => ofFile.push(line) });
    expect(ofFile).toEqual(ofSeed);
    expect(again.digest).toBe(digest);
  });

  it('holds every kind of fault in some runs, and none in all', () => {
    const schedules = Array.from({ length: 60 }, (_, seed) => drawSchedule(seed));
    for (const kind of FAULT_KINDS) {
      const having = schedules.filter(({ faults }) => faults.some((fault) => fault.kind === kind));
      expect(having.length, kind).toBeGreaterThan(0);
      expect(having.length, kind).toBeLessThan(schedules.length);
    }
  });

  it('has little room in some runs, no less than a configuration may say', () => {
    const drawn = Array.from({ length: 60 }, (_, seed) => drawSchedule(seed).cluster.limits);
    for (const name of ['unappliedBytesMax', 'admitQueueBytesMax', 'peerWindowBytes'] as const) {
      const small = drawn.map((limits) => limits[name]).filter((bytes) => bytes !== undefined);
      expect(small.length, name).toBeGreaterThan(0);
      expect(small.length, name).toBeLessThan(drawn.length / 2);
      expect(Math.min(...small), name).toBeGreaterThanOrEqual(1024);
    }
  });

  it('has clocks at paces of their own in some runs', () => {
    const drawn = Array.from({ length: 60 }, (_, seed) => drawSchedule(seed).cluster.clockSpread);
    const spreads = drawn.filter((spread) => spread !== undefined);
    expect(spreads.length).toBeGreaterThan(0);
    expect(spreads.length).toBeLessThan(drawn.length / 2);
    expect(Math.min(...spreads)).toBeGreaterThan(1);
    expect(Math.max(...spreads)).toBeLessThanOrEqual(2);
  });

  it('has clocks of clients at paces of their own in some, alike where these hold locks or leases', () => {
    const drawn = Array.from({ length: 100 }, (_, seed) => drawSchedule(seed));
    const paced = drawn.filter(({ cluster }) => cluster.clientClockSpread !== undefined);
    expect(paced.length).toBeGreaterThan(0);
    expect(paced.length).toBeLessThan(drawn.length / 2);
    const [holding, others] = [true, false].map((holds) =>
      paced.filter(({ clients }) => clients.some(({ holdings, leases }) => holdings ?? leases) === holds),
    );
    expect(holding!.length).toBeGreaterThan(0);
    for (const { cluster } of holding!) {
      const { clockDrift: drift, clientClockSpread: spread = 1 } = cluster;
      expect(areAlike(ratesOf({ drift, spread }))).toBe(true);
    }
    expect(Math.max(...others!.map(({ cluster }) => cluster.clientClockSpread!))).toBeGreaterThan(1.5);
  });

  it('writes several keys at `local` and increments at `all`, some of the time', () => {
    const calls = Array.from({ length: 20 }, (_, seed) => drawSchedule(seed)).flatMap(({ clients }) =>
      clients.flatMap(({ threads }) => threads.flat()),
    );
    const locals = calls.filter((call) => call.kind === 'write').filter(({ ack }) => ack === 'local');
    const batches = locals.filter(({ keys }) => keys.length > 1);
    expect(batches.length).toBeGreaterThan(0);
    expect(batches.length).toBeLessThan(locals.length / 2);
    for (const { keys } of batches) expect(new Set(keys).size).toBe(keys.length);
    const increments = calls.filter((call) => call.kind === 'increment');
    const atAll = increments.filter(({ ack }) => ack === 'all');
    expect(atAll.length).toBeGreaterThan(0);
    expect(atAll.length).toBeLessThan(increments.length / 2);
  });

  it('goes on where a fault names who is not there', async () => {
    const { faults, ...rest } = drawSchedule(SEED);
    const strangers = FAULT_KINDS.map((kind) => faults.find((fault) => fault.kind === kind)).filter(
      (fault) => fault !== undefined,
    );
    const text = JSON.stringify(strangers).replaceAll(/"n\d"/g, '"n9"').replaceAll(/"c\d"/g, '"c9"');
    expect(text).toContain('n9');
    const report = await runSchedule({
      ...rest,
      faults: JSON.parse(text.replaceAll(',"orPrimary":true', '')),
    });
    expect(report.entries).toBeGreaterThan(0);
  });

  it.each([
    ['{}', 'not a schedule'],
    ['{', 'JSON'],
    [
      formatSchedule({ ...drawSchedule(SEED), faults: [] }).replace(
        '"faults": []',
        '"faults": [{"atMs": 1, "kind": "earthquake"}]',
      ),
      'there is no fault of kind earthquake',
    ],
  ])('is refused if it is none', (text, why) => {
    expect(() => parseSchedule(text)).toThrow(why);
  });
});
