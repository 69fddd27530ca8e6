import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { parseArgs } from 'node:util';
import { parseSchedule, RunFailure, trySchedule } from '@holdfast/sim';
import { Mutant } from '../test/mutations/support/mutant.ts';
import { type Mutation, readMutations } from '../test/mutations/support/mutation.ts';

const USAGE = `Looks for bugs that were put in on purpose: docs/simulation.md, test/mutations.

  node scripts/mutants.ts [NAME…]   the mutations of these names, or all
    --first-seed S    where to begin; 1 by default
    --seconds N       of processor time for each; 300 by default
    --keep            writes what it is found by, made smaller, to test/mutations/schedules
    --only-missing    those without such a schedule`;

/** To make a schedule smaller. */
const SHRINK_SECONDS = 12;

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    'first-seed': { type: 'string', default: '1' },
    seconds: { type: 'string', default: '300' },
    keep: { type: 'boolean', default: false },
    'only-missing': { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
});

if (values.help) console.log(USAGE);
else for (const mutation of chosen()) await look(mutation);

function chosen(): Mutation[] {
  const all = readMutations();
  const named = positionals.length === 0 ? all : positionals.map((name) => find(all, name));
  return values['only-missing'] ? named.filter(({ hasSchedule }) => !hasSchedule) : named;
}

function find(all: readonly Mutation[], name: string): Mutation {
  const found = all.find((mutation) => mutation.name === name);
  if (found === undefined) throw new Error(`there is no mutation ${name}`);
  return found;
}

async function look(mutation: Mutation): Promise<void> {
  const mutant = Mutant.make(mutation);
  try {
    let left = Number(values.seconds);
    for (let firstSeed = Number(values['first-seed']); ; ) {
      const shrinkSeconds = values.keep ? SHRINK_SECONDS : 0;
      const { found, runs, cpuSeconds } = await mutant.search({ firstSeed, cpuSeconds: left, shrinkSeconds });
      left -= cpuSeconds;
      const spent = `${runs} runs, ${cpuSeconds.toFixed(0)} s`;
      if (found === undefined) {
        console.log(`${mutation.name}: NOT FOUND, ${spent}`);
        return;
      }
      const { seed, kind, oracle, message, schedule } = found;
      console.log(`${mutation.name}: seed ${seed}, ${spent}, ${kind}, ${oracle}: ${message.slice(0, 200)}`);
      const without = await trySchedule(parseSchedule(schedule));
      if (!(without instanceof RunFailure)) {
        if (values.keep) keep(mutation, schedule);
        return;
      }
      console.log(`  but that fails without it too: ${without.message}`);
      firstSeed = seed + 1;
    }
  } finally {
    mutant.remove();
  }
}

function keep({ schedulePath }: Mutation, schedule: string): void {
  mkdirSync(dirname(schedulePath), { recursive: true });
  writeFileSync(schedulePath, schedule);
}
