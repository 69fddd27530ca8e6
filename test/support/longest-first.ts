import { BaseSequencer, type TestSpecification } from 'vitest/node';

/** Half a minute and more each, the longest first. Begun last, one would keep the whole run waiting for it alone. */
const LONG = [
  'packages/sim/test/seeds.test.ts',
  'packages/sim/test/fresh-seeds.test.ts',
  'test/pack/pack.test.ts',
  'test/sim-command.test.ts',
  'test/mutations/mutations.test.ts',
  'test/damage/wal-damage.test.ts',
  'packages/cli/test/process/up.test.ts',
  'test/damage/replaced-disk.test.ts',
  'test/conformance/abstract-level.test.ts',
];

/** The order of vitest, which guesses by size where it has not seen a run yet, but for what is known to be long. */
export class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const sorted = await super.sort(files);
    return sorted.toSorted((left, right) => placeOf(left) - placeOf(right));
  }
}

function placeOf({ moduleId }: TestSpecification): number {
  const place = LONG.findIndex((path) => moduleId.endsWith(`/${path}`));
  return place === -1 ? LONG.length : place;
}
