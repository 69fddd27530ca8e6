import { expect, test } from 'vitest';
import { ProcessCluster } from '../support/faults/process-cluster.ts';

interface LogLine {
  readonly level: string;
  readonly event?: string;
  readonly role?: string;
  readonly term?: number;
  readonly reason?: string;
  readonly msg: string;
}

/** What the node printed at the level `info` or above, which is the default. */
function linesOf(cluster: ProcessCluster, id: string): LogLine[] {
  return cluster
    .log(id)
    .split('\n')
    .filter((line) => line.startsWith('{'))
    .map((line) => JSON.parse(line) as LogLine);
}

async function switchOver(cluster: ProcessCluster, id: string): Promise<void> {
  const response = await fetch(`http://127.0.0.1:${cluster.port(id)}/v1/switchover`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: '{}',
  });
  expect(response.ok, await response.text()).toBe(true);
}

test('a node prints one line for each change of its role, with term and reason', async () => {
  const cluster = await ProcessCluster.start();
  const first = await cluster.primary();
  await cluster.level();
  // A primary that hands over, and one that finds out that it is none.
  await switchOver(cluster, first);
  const second = await cluster.primary(first);
  await cluster.level();
  process.kill(cluster.pid(second), 'SIGSTOP');
  await cluster.primary(second);
  process.kill(cluster.pid(second), 'SIGCONT');
  await cluster.level(cluster.ids);

  for (const id of cluster.ids) {
    const lines = linesOf(cluster, id);
    const changes = lines.filter(({ event }) => event === 'role');
    for (const { role, term, reason, msg } of changes) {
      expect(term).toBeGreaterThan(0);
      expect(reason).toMatch(/\w/);
      expect(msg).toMatch(new RegExp(`^${role}( of n\\d)? in term ${term}: `));
    }
    const events = await cluster.events(id);
    const roles = events.flatMap(({ kind, role }) => (kind === 'role' ? [role] : []));
    expect(changes.map(({ role }) => role)).toEqual(roles.filter((role, at) => role !== roles[at - 1]));
    // Nothing else is said of it, but who is followed from then on.
    for (const { kind, reason } of events) {
      if (kind !== 'stepDown') continue;
      const told = lines.filter((line) => line.reason === reason);
      expect(told.map(({ event, role, level }) => [event, role, level])).toEqual([
        ['role', 'standby', 'warn'],
      ]);
    }
  }
  const stepDowns = [first, second].map((id) =>
    linesOf(cluster, id).find(({ role, level }) => role === 'standby' && level === 'warn'),
  );
  console.log(stepDowns.map((line) => line?.msg).join('\n'));
  expect(stepDowns.every((line) => line !== undefined)).toBe(true);
});
