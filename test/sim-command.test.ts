import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  drawSchedule,
  type FailureKind,
  formatSchedule,
  parseSchedule,
  RunFailure,
  type Schedule,
  trySchedule,
} from '@holdfast/sim';
import { nodeId } from '@holdfast/types';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { reportFailure } from '../scripts/support/sim-failure.ts';
import { runJob } from '../scripts/support/sim-jobs.ts';
import { hasJobs, readSimOptions } from '../scripts/support/sim-options.ts';
import { ROOT } from '../scripts/support/workspace.ts';

/** A run of a third of a second: what is tried here is the command, not the cluster. */
const SEED = 42;
/** The shortest three in a row. */
const SEEDS = [42, 43, 44];
/** For runs of any length. */
const PATIENCE_MS = 120_000;
let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'holdfast-sim-'));
});

afterEach(() => {
  rmSync(folder, { recursive: true });
});

const SCRIPT = join(ROOT, 'scripts/sim.ts');
const env = { NODE_COMPILE_CACHE: join(tmpdir(), 'holdfast-sim-compiled'), ...process.env };

function sim(...words: string[]): { status: number | null; stdout: string } {
  const { status, stdout } = spawnSync(process.execPath, [SCRIPT, ...words], {
    cwd: folder,
    encoding: 'utf8',
    env,
  });
  return { status, stdout };
}

type Changes = (cluster: Schedule['cluster']) => Omit<Partial<Schedule>, 'seed'>;

function writeChanged(path: string, changes: Changes): void {
  const schedule = drawSchedule(SEED);
  writeFileSync(path, formatSchedule({ ...schedule, ...changes(schedule.cluster) }));
}

/** Nodes so far apart that a cluster of them cannot form in time. */
const FAR: Changes = (cluster) => ({ cluster: { ...cluster, latencyMs: { min: 20_000, max: 20_000 } } });

function writeFailing(path: string): void {
  writeChanged(path, FAR);
}

describe('pnpm sim', () => {
  it('runs a seed, and what was written down of it, alike', () => {
    expect(sim('--seed', String(SEED), '--write', 'run.json').status).toBe(0);
    const [ofSeed, ofFile] = [sim('--seed', String(SEED)), sim('--schedule', 'run.json')];
    expect(ofSeed.status).toBe(0);
    expect(ofSeed.stdout).toContain('1 runs passed');
    const digest = (out: string): string | undefined => /; ([0-9a-f]{12})$/m.exec(out)?.[1];
    expect(digest(ofFile.stdout)).toBe(digest(ofSeed.stdout));
  });

  it('keeps a run that fails, made smaller, with its trace, and says what kind of failure it is', () => {
    writeFailing(join(folder, 'far.json'));
    const { status, stdout } = sim('--schedule', 'far.json', '--keep', 'kept');
    expect(status).toBe(2);
    expect(stdout).toContain('made smaller: 2 nodes, 0 clients with up to 0 calls');
    const kept = parseSchedule(readFileSync(join(folder, `kept/seed-${SEED}.json`), 'utf8'));
    expect(kept.cluster.nodes).toBe(2);
    expect(kept.faults).toEqual([]);
    expect(readFileSync(join(folder, `kept/seed-${SEED}.txt`), 'utf8')).toContain('the cluster has formed');
    expect(readFileSync(join(folder, `kept/seed-${SEED}.html`), 'utf8')).toContain(
      `<title>Simulated run: seed ${SEED}`,
    );
    expect(sim('--schedule', `kept/seed-${SEED}.json`, '--no-shrink').status).toBe(2);
  });

  it.each<[number, string, Changes]>([
    [
      1,
      'safety): bounded queues: ',
      (cluster) => ({ cluster: { ...cluster, limits: { ...cluster.limits, pendingReadsMax: -1 } } }),
    ],
    [2, 'liveness): not so after ', FAR],
    [3, 'crash): n1 (run 1) ended: ', (cluster) => ({ cluster: { ...cluster, segmentBytes: -1 } })],
    [
      4,
      'simulator): ',
      // A call that writes nothing to nowhere.
      ({ nodes }) => ({
        majority: Array.from({ length: nodes }, (_, place) => nodeId(`n${place + 1}`)),
        clients: [{ host: 'c1', threads: [[{ kind: 'write', thinkMs: 1, timeoutMs: 100 } as never]] }],
      }),
    ],
    [
      4,
      'simulator): fault kill: ',
      () => ({ faults: [{ atMs: 1, kind: 'kill', node: 'n1' } as unknown as Schedule['faults'][number]] }),
    ],
  ])('ends with %i where it says "FAILED (%s"', (code, words, changes) => {
    writeChanged(join(folder, 'broken.json'), changes);
    const { status, stdout } = sim('--schedule', 'broken.json', '--no-shrink');
    expect(stdout).toContain(`seed ${SEED} FAILED (${words}`);
    expect(status).toBe(code);
  });

  it('ends with 4 where it cannot tell what came of a run', () => {
    const { status, stdout } = sim('--seed', String(SEED), '--html', 'nowhere/run.html');
    expect(stdout).toContain('nowhere/run.html');
    expect(status).toBe(4);
  });

  it('makes as many runs as fit', () => {
    const { status, stdout } = sim('--minutes', '0.0001', '--from', String(SEED));
    expect(status).toBe(0);
    expect(stdout).toContain(`seed ${SEED} ok`);
    expect(stdout).toContain('1 runs passed');
  });

  it(
    'goes on all night, in several processes, until it is stopped',
    async () => {
      const night = spawn(process.execPath, [SCRIPT, '--night', '--jobs', '2'], { cwd: folder, env });
      let told = '';
      night.stdout.setEncoding('utf8').on('data', (text: string) => {
        told += text;
      });
      const ended = once(night, 'exit');
      // One has the even seeds, the other the odd ones.
      for (const line of [/^seed \d*[02468] (ok|FAILED)/m, /^seed \d*[13579] (ok|FAILED)/m])
        await expect.poll(() => told, { timeout: PATIENCE_MS / 3 }).toMatch(line);
      night.kill('SIGTERM');
      const [status] = await ended;
      expect(told).toMatch(/^\d+ runs passed/m);
      // Nobody has seen these seeds before.
      expect(status === 0).toBe(!told.includes('FAILED'));
    },
    PATIENCE_MS,
  );

  it('writes a page of a run, of one that fails as well', () => {
    writeFailing(join(folder, 'far.json'));
    expect(sim('--schedule', 'far.json', '--no-shrink', '--html', 'far.html').status).toBe(2);
    expect(readFileSync(join(folder, 'far.html'), 'utf8')).toContain(`<title>Simulated run: seed ${SEED}`);
  });

  it('keeps nothing of what is written down already where it is not to be made smaller', () => {
    writeFailing(join(folder, 'far.json'));
    expect(sim('--schedule', 'far.json', '--no-shrink').status).toBe(2);
    expect(existsSync(join(folder, '.holdfast'))).toBe(false);
  });

  it('shares its seeds out to processes', () => {
    const { status, stdout } = sim('--seeds', `${SEEDS[0]}..${SEEDS.at(-1)}`, '--jobs', '2');
    expect(status).toBe(0);
    for (const seed of SEEDS) expect(stdout).toContain(`seed ${seed} ok`);
    expect(stdout).toContain('3 runs passed');
    expect(stdout).toMatch(/virtual hours .* times real time, \d+ events a second/);
    expect(stdout).toMatch(/\d+ faults struck: stall \d+/);
  });

  it.each([
    [['--seeds', '5..3']],
    [['--minutes', 'many']],
    [['--seed', '1', '--jobs', '0']],
    [['--seeds', '1..2', '--html', 'run.html']],
    [['--schedule', 'nowhere.json']],
    [['--fast']],
    [[]],
  ])('does not understand %j', (words) => {
    expect(sim(...words).status).toBe(5);
  });
});

it.each([
  [['--seed', '1'], true],
  [['--minutes', '1'], true],
  [['--seeds', '1..3', '--jobs', '2'], true],
  [['--seeds', '1..3', '--share', '0/1'], false],
  [['--seed', '1', '--trace'], false],
  [['--seed', '1', '--html', 'run.html'], false],
  [['--schedule', 'run.json'], false],
])('%j makes its runs in a process that can be killed: %s', (words, has) => {
  const options = readSimOptions(words);
  if (typeof options === 'string') throw new Error(options);
  expect(hasJobs(options)).toBe(has);
});

it(
  'ends the run that it is at when it is stopped',
  async () => {
    const minutes = spawn(process.execPath, [SCRIPT, '--minutes', '5', '--from', String(SEED)], {
      cwd: folder,
      env,
    });
    let told = '';
    minutes.stdout.setEncoding('utf8').on('data', (text: string) => {
      told += text;
    });
    const ended = once(minutes, 'exit');
    await expect.poll(() => told, { timeout: PATIENCE_MS / 3 }).toContain(`seed ${SEED} ok`);
    minutes.kill('SIGINT');
    const [status] = await ended;
    expect(status).toBe(0);
    expect(told).toMatch(/^\d+ runs passed/m);
  },
  PATIENCE_MS,
);

it('kills a process whose run never ends, says which run it was, and keeps it', async () => {
  const print = vi.spyOn(console, 'log').mockReturnValue();
  const script = join(folder, 'hangs.mjs');
  const begins = { kind: 'begins', words: '--seed 7', seed: 7, schedule: formatSchedule(drawSchedule(7)) };
  writeFileSync(script, `process.send(${JSON.stringify(begins)}, () => { for (;;); });`);
  const { exitCode, passed } = await runJob(script, [], { keep: folder, minutesMax: 0.005 });
  const printed = print.mock.calls.map(([line]) => line);
  print.mockRestore();
  expect({ exitCode, passed }).toEqual({ exitCode: 3, passed: 0 });
  const kept = join(folder, 'seed-7.drawn.json');
  expect(printed).toEqual([
    'seed 7 FAILED (crash): it has not ended in 0.005 minutes',
    '  repeat it with: pnpm sim --seed 7 --trace',
    `  after a change of what seeds draw: pnpm sim --schedule ${kept} --trace`,
  ]);
  expect(parseSchedule(readFileSync(kept, 'utf8'))).toEqual(drawSchedule(7));
});

describe('A run that fails', () => {
  const path = (): string => join(folder, `seed-${SEED}.drawn.json`);

  beforeEach(() => {
    vi.spyOn(console, 'log').mockReturnValue();
  });

  afterEach(() => {
    vi.restoreAllMocks();
  });

  it.each<[FailureKind, boolean]>([
    ['simulator', true],
    ['liveness', false],
  ])('(%s, made smaller: %s) is kept as its seed drew it', async (kind, shrinks) => {
    const schedule = drawSchedule(SEED);
    const failure = new RunFailure(kind, 'nobody', 'for a test');
    const run = { schedule, failure, words: `--seed ${SEED}`, isDrawn: true };
    await reportFailure(run, { shrinks, keep: folder });
    expect(readdirSync(folder)).toEqual([`seed-${SEED}.drawn.json`]);
    expect(parseSchedule(readFileSync(path(), 'utf8'))).toEqual(schedule);
  });

  it('is kept so before it is made smaller', async () => {
    const drawn = drawSchedule(SEED);
    const schedule = { ...drawn, ...FAR(drawn.cluster) };
    const failure = await trySchedule(schedule);
    if (!(failure instanceof RunFailure)) throw new Error('it passed');
    const run = { schedule, failure, words: `--seed ${SEED}`, isDrawn: true };
    const reporting = reportFailure(run, { shrinks: true, keep: folder });
    expect(existsSync(path())).toBe(true);
    await reporting;
    expect(parseSchedule(readFileSync(path(), 'utf8'))).toEqual(schedule);
    expect(existsSync(join(folder, `seed-${SEED}.json`))).toBe(true);
  });
});
