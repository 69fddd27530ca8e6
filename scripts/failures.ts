// What callers see when nodes fail in other ways than by dying, as a table for docs/resilience.md.
// Run: pnpm failures [seconds]
import {
  FAILURE_TABLE_HEAD,
  FAILURES,
  failureRow,
  TIMEOUT_MS,
  withProxiedCluster,
} from '../test/support/load/failures.ts';
import { describeMachine } from './support/machine.ts';

const SECONDS = Number(process.argv[2] ?? 3);

const machine = describeMachine();
await withProxiedCluster(async (measure) => {
  const rows: string[] = [];
  for (const failure of FAILURES) {
    const figures = await measure(failure, SECONDS * 1000);
    console.error(
      `${failure.name}: latest end ${figures.latestMs.toFixed(0)} ms after its deadline, event loop ${figures.loopDelayMs.toFixed(0)} ms`,
    );
    rows.push(failureRow(figures));
  }
  console.log(
    [
      machine,
      '',
      `One client, a call every 10 ms (a write at \`quorum\` and a linearizable read in turn, ${TIMEOUT_MS} ms each),`,
      `half a second before, ${SECONDS} s during and half a second after each failure.`,
      '',
      FAILURE_TABLE_HEAD,
      ...rows,
    ].join('\n'),
  );
});
