import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { parseArgs } from 'node:util';
import { MutantProcess } from '../test/mutations/support/mutant-process.ts';
import { type Mutation, readMutations, sourcesOf } from '../test/mutations/support/mutation.ts';

const USAGE = `Looks for bugs that were put in on purpose: docs/simulation.md, test/mutations.

  node scripts/mutants.ts [NAME…]   the mutations of these names, or all
    --first-seed S    where to begin; 1 by default
    --seeds A,B,C     these, in this order, instead
    --focus           short runs with nothing but the kinds of fault that the mutation takes, as its patch says
    --seconds N       of processor time for each; 300 by default
    --keep            writes what it is found by, made smaller, to test/mutations/schedules
    --robustness N    of the 6 neighbours of what is kept, those that have to find it too; 4 by default
    --shrink N        seconds of processor time to make it smaller; 40 by default
    --only-missing    those without such a schedule
    --replay          runs what is kept instead, with all its neighbours`;

const SEEDS_MAX = 10_000;

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    'first-seed': { type: 'string', default: '1' },
    seeds: { type: 'string' },
    seconds: { type: 'string', default: '300' },
    shrink: { type: 'string', default: '40' },
    robustness: { type: 'string', default: '4' },
    focus: { type: 'boolean', default: false },
    keep: { type: 'boolean', default: false },
    'only-missing': { type: 'boolean', default: false },
    replay: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
});

if (values.help) console.log(USAGE);
else await main();

async function main(): Promise<void> {
  const mutants = new MutantProcess();
  for (const mutation of chosen()) await (values.replay ? replay : look)(mutants, mutation);
  mutants.end();
}

function chosen(): Mutation[] {
  const all = readMutations();
  const named = positionals.length === 0 ? all : positionals.map((name) => find(all, name));
  if (values.replay) return named.filter(({ hasSchedule }) => hasSchedule);
  return values['only-missing'] ? named.filter(({ hasSchedule }) => !hasSchedule) : named;
}

function find(all: readonly Mutation[], name: string): Mutation {
  const found = all.find((mutation) => mutation.name === name);
  if (found === undefined) throw new Error(`there is no mutation ${name}`);
  return found;
}

async function replay(mutants: MutantProcess, mutation: Mutation): Promise<void> {
  const { name, schedulePath: path } = mutation;
  const { found, cpuSeconds } = await mutants.ask({
    kind: 'replay',
    name,
    sources: sourcesOf(mutation),
    path,
    neighbours: 6,
  });
  const said =
    found === undefined ? 'FINDS NOTHING' : `${found.by}, ${found.oracle}: ${found.message.slice(0, 120)}`;
  console.log(`${name}: ${cpuSeconds.toFixed(1)} s, by ${said}`);
}

async function look(mutants: MutantProcess, mutation: Mutation): Promise<void> {
  const { found, runs, cpuSeconds } = await mutants.ask({
    kind: 'search',
    name: mutation.name,
    sources: sourcesOf(mutation),
    seeds: seeds(),
    focus: values.focus ? mutation.focus : [],
    secondsMax: Number(values.seconds),
    shrinkSeconds: values.keep ? Number(values.shrink) : 0,
    robustness: Number(values.robustness),
    mark: mutation.mark,
  });
  const spent = `${runs} runs, ${cpuSeconds.toFixed(0)} s`;
  if (found === undefined) {
    console.log(`${mutation.name}: NOT FOUND, ${spent}`);
    return;
  }
  const { seed, kind, oracle, message, schedule, by } = found;
  console.log(
    `${mutation.name}: seed ${seed}, ${spent}, [${by}], ${kind}, ${oracle}: ${message.slice(0, 200)}`,
  );
  if (values.keep) keep(mutation, schedule);
}

function seeds(): number[] {
  if (values.seeds !== undefined) return values.seeds.split(',').map(Number);
  const first = Number(values['first-seed']);
  return Array.from({ length: SEEDS_MAX }, (_, place) => first + place);
}

function keep({ schedulePath }: Mutation, schedule: string): void {
  mkdirSync(dirname(schedulePath), { recursive: true });
  writeFileSync(schedulePath, schedule);
}
