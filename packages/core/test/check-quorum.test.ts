import { expect, test } from 'vitest';
import { Core } from '../src/index.ts';
import { ScriptDriver } from './support/script-driver.ts';

const HEARTBEAT_MS = 50;
const ELECTION_TIMEOUT_MS = 400;

/**
 * Milliseconds from the cut to the last acknowledgement of a primary that is asked to write all the time. `phaseMs`: where
 * between two heartbeats it is cut off.
 */
function lastAcknowledgedAfterCut(phaseMs: number): number {
  const driver = new ScriptDriver((config, recovered, now) => new Core(config, recovered, now));
  const run = (command: string): string =>
    driver.run({ command, line: 0, comments: [], input: [], expected: '' });
  // What holds `local` writes back, so long as no standby has them, is not what is asked here.
  run('cluster nodes=3 primary=n1 session=s limits.asyncLagMsMax=60000');
  run(`run ${HEARTBEAT_MS + phaseMs} step=1`);
  run('isolate n1');
  const quietMs = ELECTION_TIMEOUT_MS - HEARTBEAT_MS - 1;
  run(`run ${quietMs} step=1 nodes=n1`);
  let last = Number.NaN;
  for (let ms = quietMs + 1; ms <= ELECTION_TIMEOUT_MS + HEARTBEAT_MS; ms++) {
    run('run 1 step=1 nodes=n1');
    const printed = run(`propose n1 s put k=${ms} ack=local`) + run('auto');
    if (printed.includes(' receipt ')) last = ms;
  }
  return last;
}

// G14, P13.
test('a primary that is cut off acknowledges for one election timeout, and not a millisecond longer', () => {
  const found = Array.from({ length: 10 }, (_, at) => lastAcknowledgedAfterCut((at * HEARTBEAT_MS) / 10));
  console.log(`last acknowledgements after the cut: ${found.join(', ')} ms`);
  for (const ms of found) {
    expect(ms).toBeLessThanOrEqual(ELECTION_TIMEOUT_MS);
    expect(ms).toBeGreaterThanOrEqual(ELECTION_TIMEOUT_MS - HEARTBEAT_MS);
  }
  // One that was heard in the moment of the cut goes on for all of it.
  expect(Math.max(...found)).toBe(ELECTION_TIMEOUT_MS);
});
