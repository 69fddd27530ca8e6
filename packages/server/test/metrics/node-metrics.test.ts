import type { NodeId } from '@holdfast/types';
import { describe, expect, test } from 'vitest';
import { type MetricReadings, NodeMetrics } from '../../src/metrics/node-metrics.ts';

const peer = {
  id: 'n2',
  linked: true,
  state: 'replicate',
  match: 5,
  applied: 4,
  lagEntries: 3,
  lagBytes: 700,
  lagMs: 250,
};

const READINGS = {
  role: 'primary',
  term: 4,
  commit: 8,
  applied: 7,
  durable: 9,
  ready: true,
  connections: 2,
  watches: { watches: 3, events: 70, lagEntries: 5 },
  sessions: 3,
  queued: 1,
  shedding: { writes: 0.1, reads: 0 },
  lanes: {
    writes: { running: 4, waiting: 1, refused: 6 },
    reads: { running: 2, waiting: 0, refused: 0 },
    scans: { running: 2, waiting: 7, refused: 8 },
    watches: { running: 0, waiting: 0, refused: 0 },
  },
  peers: [peer],
  acknowledged: { local: 1, quorum: 20, all: 0 },
  wal: { segments: 2, bytes: 1000 },
  divergence: { filed: 0, pending: 5 },
} as unknown as MetricReadings;

function metricsOf(readings: () => MetricReadings = () => READINGS): NodeMetrics {
  return new NodeMetrics({ node: 'n1' as NodeId, readings });
}

/** The value of one line: its name, then its labels sorted as written. */
async function value(
  metrics: NodeMetrics,
  name: string,
  labels: Record<string, string> = {},
): Promise<number | undefined> {
  const { body } = await metrics.text();
  const lines = body.split('\n').filter((line) => line.startsWith(`${name}{`));
  const line = lines.find((each) =>
    Object.entries(labels).every(([label, wanted]) => each.includes(`${label}="${wanted}"`)),
  );
  return line === undefined ? undefined : Number(line.slice(line.lastIndexOf(' ') + 1));
}

describe('histograms', () => {
  test('count into every bucket at or above the value, in seconds', async () => {
    const metrics = metricsOf();
    metrics.write('quorum', 1);
    metrics.write('quorum', 4, 3);
    metrics.write('quorum', 60_000);
    const bucket = (le: string): Promise<number | undefined> =>
      value(metrics, 'holdfast_write_seconds_bucket', { ack: 'quorum', le });
    expect(await bucket('0.0005')).toBe(0);
    expect(await bucket('0.001')).toBe(1);
    expect(await bucket('0.003')).toBe(1);
    expect(await bucket('0.005')).toBe(4);
    expect(await bucket('10')).toBe(4);
    expect(await bucket('+Inf')).toBe(5);
    expect(await value(metrics, 'holdfast_write_seconds_count', { ack: 'quorum' })).toBe(5);
    expect(await value(metrics, 'holdfast_write_seconds_sum', { ack: 'quorum' })).toBeCloseTo(60.013);
    expect(await value(metrics, 'holdfast_write_seconds_count', { ack: 'all' })).toBe(0);
  });

  test('exist for reads, fsync, apply and each peer', async () => {
    const metrics = metricsOf();
    metrics.read('session', 1);
    metrics.sync(2);
    metrics.apply(3);
    metrics.roundTrip('n2' as NodeId, 4);
    expect(await value(metrics, 'holdfast_read_seconds_count', { consistency: 'session' })).toBe(1);
    expect(await value(metrics, 'holdfast_fsync_seconds_sum')).toBeCloseTo(0.002);
    expect(await value(metrics, 'holdfast_apply_seconds_sum')).toBeCloseTo(0.003);
    expect(await value(metrics, 'holdfast_replication_round_trip_seconds_sum', { peer: 'n2' })).toBeCloseTo(
      0.004,
    );
  });

  test('take a bounded number of label values', async () => {
    const metrics = metricsOf();
    for (let count = 0; count < 1000; count += 1) metrics.roundTrip(`n${count}` as NodeId, 1);
    const { body } = await metrics.text();
    expect(body.match(/^holdfast_replication_round_trip_seconds_count/gm)).toHaveLength(64);
  });
});

describe('gauges and counters', () => {
  test('show what the node says at the scrape, asked once', async () => {
    let asked = 0;
    let readings = READINGS;
    const metrics = metricsOf(() => {
      asked += 1;
      return readings;
    });
    expect(await value(metrics, 'holdfast_term')).toBe(4);
    expect(asked).toBe(1);
    expect(await value(metrics, 'holdfast_role', { role: 'primary' })).toBe(1);
    expect(await value(metrics, 'holdfast_role', { role: 'standby' })).toBe(0);
    expect(await value(metrics, 'holdfast_peer_lag_entries', { peer: 'n2' })).toBe(3);
    expect(await value(metrics, 'holdfast_peer_lag_seconds', { peer: 'n2' })).toBe(0.25);
    expect(await value(metrics, 'holdfast_acknowledged_total', { level: 'quorum' })).toBe(20);
    readings = { ...READINGS, role: 'standby', peers: [], acknowledged: { local: 1, quorum: 25, all: 0 } };
    expect(await value(metrics, 'holdfast_role', { role: 'primary' })).toBe(0);
    expect(await value(metrics, 'holdfast_peer_lag_entries', { peer: 'n2' })).toBeUndefined();
    expect(await value(metrics, 'holdfast_acknowledged_total', { level: 'quorum' })).toBe(25);
  });

  test('errors and elections count up over scrapes', async () => {
    const metrics = metricsOf();
    metrics.error('HOLDFAST_OVERLOADED');
    metrics.error('HOLDFAST_OVERLOADED', 4);
    metrics.election();
    expect(await value(metrics, 'holdfast_errors_total', { code: 'HOLDFAST_OVERLOADED' })).toBe(5);
    metrics.error('HOLDFAST_OVERLOADED');
    expect(await value(metrics, 'holdfast_errors_total', { code: 'HOLDFAST_OVERLOADED' })).toBe(6);
    expect(await value(metrics, 'holdfast_elections_total')).toBe(1);
  });

  test('of two nodes in one process do not mix', async () => {
    const [first, second] = [
      metricsOf(),
      new NodeMetrics({ node: 'n2' as NodeId, readings: () => READINGS }),
    ];
    first.election();
    expect(await value(first, 'holdfast_elections_total', { node: 'n1' })).toBe(1);
    expect(await value(second, 'holdfast_elections_total', { node: 'n2' })).toBe(0);
  });
});
