import { AssertionError } from '@holdfast/types';
import { expect, it } from 'vitest';
import { SimCluster } from '../../src/cluster/sim-cluster.ts';
import { untilOrFailure } from '../../src/run/until-or-failure.ts';
import { Watch } from '../../src/run/watch.ts';

const LIMIT_MS = 100;

function wait(before: (cluster: SimCluster) => void): Promise<void> {
  const watch = new Watch(1);
  const cluster = new SimCluster({ seed: 1, nodes: 1, observer: watch, onNodeEnded: () => {} });
  before(cluster);
  return untilOrFailure({
    cluster,
    watch,
    what: 'it is so',
    condition: () => false,
    limitMs: LIMIT_MS,
  });
}

it('tells time that passed in vain from what threw meanwhile', async () => {
  await expect(wait(() => {})).rejects.toMatchObject({ kind: 'liveness', oracle: 'it is so' });
  const thrown = (error: Error) =>
    wait((cluster) =>
      cluster.clientProcess('c1').clock.setTimer(1, () => {
        throw error;
      }),
    );
  await expect(thrown(new Error('oh'))).rejects.toMatchObject({ kind: 'crash', message: 'oh' });
  await expect(thrown(new AssertionError('ah'))).rejects.toMatchObject({
    kind: 'safety',
    oracle: 'assertions',
  });
});

it('tells what a process throws from what is thrown around it', async () => {
  const waited = wait(({ clock }) =>
    clock.setTimer(1, () => {
      throw new AssertionError('ah');
    }),
  );
  await expect(waited).rejects.toMatchObject({ kind: 'simulator', message: 'ah' });
});
