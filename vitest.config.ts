import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { defineConfig, type TestProjectInlineConfiguration } from 'vitest/config';
import { freshSeeds } from './test/support/fresh-seeds.ts';
import { LongestFirst } from './test/support/longest-first.ts';
import { SuiteTimes } from './test/support/suite-times.ts';
import { timedTests } from './test/support/timed-tests.ts';

/** Of `test`, which crosses packages: what starts no cluster, or none that has to be quick. All the rest does. */
const WITHOUT_CLUSTER = [
  'test/{checks,examples,mutations,browser,sim-page,pack}/**/*.test.ts',
  'test/sim-command.test.ts',
];
const TIMED = timedTests();
const LONG = ['test/long/**/*.test.ts'];
const BUNDLE_NODES = './test/support/bundle-nodes.ts';
/** Where a machine wants to read the results. */
const reportPath = process.env.HOLDFAST_TEST_REPORT;
/** More than this fast-check does not tell apart. */
const FAST_CHECK_SEEDS = 2 ** 31;
const isLong = process.env.HOLDFAST_LONG === '1';

/** What runs at the same time; the groups run one after the other. */
const GROUPS = {
  /** Nothing of these is held against the real clock but patience. */
  pure: { maxWorkers: 2, groupOrder: 1 },
  /** Real processes, of which nobody asks that they be fast, or that nothing happens to a cluster for a while. */
  processes: { maxWorkers: 2, groupOrder: 2 },
  /** They watch the real clock: one file at a time, with nothing beside it. */
  alone: { maxWorkers: 1, groupOrder: 3 },
} as const;

/** Packages that are not pure. */
const GROUP_OF: Readonly<Record<string, keyof typeof GROUPS>> = {
  cli: 'processes',
  io: 'alone',
  server: 'alone',
};

function suite(
  name: string,
  group: keyof typeof GROUPS,
  test: { include: string[]; exclude?: string[]; globalSetup?: string },
): TestProjectInlineConfiguration {
  const { maxWorkers, groupOrder } = GROUPS[group];
  return { extends: true, test: { ...test, name, maxWorkers, sequence: { groupOrder } } };
}

function packageSuite(name: string): TestProjectInlineConfiguration {
  const include = [`packages/${name}/test/**/*.test.ts`];
  return suite(name, GROUP_OF[name] ?? 'pure', { include });
}

function jsonReport(outputFile: string): ['json', { outputFile: string }] {
  return ['json', { outputFile }];
}

export default defineConfig({
  test: {
    testTimeout: isLong ? 600_000 : 60_000,
    hookTimeout: 60_000,
    // What is waited for comes at once, or a test fails: a second is not enough on a busy machine.
    expect: { poll: { timeout: 15_000 } },
    // No file keeps anything in modules that another could see. A process for each, that loads them anew, takes half a
    // second and more; what a file left is cleaned up after it by these hooks.
    isolate: false,
    setupFiles: ['./test/support/clean-up-hooks.ts', './test/support/drawn-seeds.ts'],
    env: { HOLDFAST_DRAWN_SEED: String(freshSeeds().first % FAST_CHECK_SEEDS) },
    sequence: { sequencer: LongestFirst },
    reporters: ['default', new SuiteTimes(), ...(reportPath === undefined ? [] : [jsonReport(reportPath)])],
    projects: [
      ...readdirSync(join(import.meta.dirname, 'packages')).map(packageSuite),
      suite('workspace', 'pure', { include: WITHOUT_CLUSTER }),
      suite('process', 'processes', {
        include: ['test/**/*.test.ts'],
        exclude: [...WITHOUT_CLUSTER, ...TIMED, ...LONG],
        globalSetup: BUNDLE_NODES,
      }),
      suite('timing', 'alone', { include: TIMED, globalSetup: BUNDLE_NODES }),
      ...(isLong ? [suite('long', 'alone', { include: LONG, globalSetup: BUNDLE_NODES })] : []),
    ],
  },
});
