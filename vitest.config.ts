import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { defineConfig, type TestProjectInlineConfiguration } from 'vitest/config';
import { SuiteTimes } from './test/support/suite-times.ts';

/** Packages whose tests open sockets or watch the real clock: one file at a time, with nothing beside them. */
const ALONE = ['cli', 'io', 'server'];
/** Where a machine wants to read the results. */
const reportPath = process.env.HOLDFAST_TEST_REPORT;
const isLong = process.env.HOLDFAST_LONG === '1';

function packageSuite(name: string): TestProjectInlineConfiguration {
  const isAlone = ALONE.includes(name);
  return {
    extends: true,
    test: {
      name,
      include: [`packages/${name}/test/**/*.test.ts`],
      maxWorkers: isAlone ? 1 : 2,
      sequence: { groupOrder: isAlone ? 2 : 1 },
    },
  };
}

/** What crosses packages: real processes, tarballs, the workspace's own checks. */
function workspaceSuite(
  name: string,
  include: string[],
  exclude: string[] = [],
): TestProjectInlineConfiguration {
  return { extends: true, test: { name, include, exclude, maxWorkers: 1, sequence: { groupOrder: 3 } } };
}

function jsonReport(outputFile: string): ['json', { outputFile: string }] {
  return ['json', { outputFile }];
}

export default defineConfig({
  test: {
    testTimeout: isLong ? 600_000 : 60_000,
    hookTimeout: 60_000,
    reporters: ['default', new SuiteTimes(), ...(reportPath === undefined ? [] : [jsonReport(reportPath)])],
    projects: [
      ...readdirSync(join(import.meta.dirname, 'packages')).map(packageSuite),
      workspaceSuite('workspace', ['test/**/*.test.ts'], ['test/long/**', 'test/pack/**']),
      workspaceSuite('pack', ['test/pack/**/*.test.ts']),
      ...(isLong ? [workspaceSuite('long', ['test/long/**/*.test.ts'])] : []),
    ],
  },
});
