import type { PeerStatus, Role } from '@holdfast/core';
import {
  type Ack,
  type Consistency,
  type ErrorCode,
  LANES,
  type Lane,
  type LogIndex,
  type NodeId,
  type Term,
} from '@holdfast/types';
import { Counter, Gauge, Registry } from 'prom-client';
import type { LaneLoad } from '../clients/lane-load.ts';
import { LatencyHistogram } from './latency-histogram.ts';

const ROLES: readonly Role[] = ['forming', 'standby', 'candidate', 'primary', 'excluded', 'repairing'];

/** What the gauges show, taken from the node's status at the moment of a scrape. */
export interface MetricReadings {
  readonly role: Role;
  readonly term: Term;
  readonly commit: LogIndex;
  readonly applied: LogIndex;
  readonly durable: LogIndex;
  readonly ready: boolean;
  readonly connections: number;
  readonly watches: { readonly watches: number; readonly events: number; readonly lagEntries: number };
  readonly sessions: number;
  readonly queued: number;
  readonly lanes: Readonly<Record<Lane, LaneLoad>>;
  readonly shedding: { readonly writes: number; readonly reads: number };
  readonly peers: readonly PeerStatus[];
  readonly acknowledged: Readonly<Record<Ack, number>>;
  readonly wal: { readonly segments: number; readonly bytes: number };
  readonly divergence: { readonly filed: number; readonly pending: number };
}

/**
 * Everything `/metrics` tells of one node, in a registry of its own: several nodes may live in one process.
 * The observing methods take milliseconds and a number of calls, cost some tens of nanoseconds and never throw.
 */
export class NodeMetrics {
  readonly #registry: Registry = new Registry();
  readonly #readings: () => MetricReadings;
  /** Taken once for a scrape: all gauges show the same moment. */
  #latest: MetricReadings | undefined;
  readonly #writes: LatencyHistogram;
  readonly #reads: LatencyHistogram;
  readonly #syncs: LatencyHistogram;
  readonly #applies: LatencyHistogram;
  readonly #roundTrips: LatencyHistogram;
  readonly #elections: Counter;
  /** Errors since the last scrape, by code. */
  readonly #errorsPending = new Map<ErrorCode, number>();

  constructor(options: { node: NodeId; readings: () => MetricReadings }) {
    const registry = this.#registry;
    this.#readings = options.readings;
    registry.setDefaultLabels({ node: options.node });
    const histogram = (
      name: string,
      help: string,
      label: string,
      labelValues: readonly string[],
    ): LatencyHistogram =>
      new LatencyHistogram({ registry, name: `holdfast_${name}_seconds`, help, label, labelValues });
    this.#writes = histogram(
      'write',
      'From arrival of a write to its receipt, by the level asked for',
      'ack',
      ['local', 'quorum', 'all'],
    );
    this.#reads = histogram('read', 'From arrival of a read to its answer', 'consistency', [
      'linearizable',
      'session',
      'eventual',
    ]);
    this.#syncs = histogram('fsync', 'One sync of the write-ahead log', 'file', ['wal']);
    this.#applies = histogram('apply', 'One batch of entries into the store', 'store', ['level']);
    this.#roundTrips = histogram(
      'replication_round_trip',
      'From sending to a standby to its answer',
      'peer',
      [],
    );
    this.#elections = new Counter({
      name: 'holdfast_elections_total',
      help: 'Elections this node stood in',
      registers: [registry],
    });
    registerErrors(registry, this.#errorsPending);
    registerReadings(registry, () => this.#latest ?? options.readings());
  }

  write(ack: Ack, durationMs: number, count?: number): void {
    this.#writes.observe(ack, durationMs, count);
  }

  read(consistency: Consistency, durationMs: number, count?: number): void {
    this.#reads.observe(consistency, durationMs, count);
  }

  sync(durationMs: number): void {
    this.#syncs.observe('wal', durationMs);
  }

  apply(durationMs: number): void {
    this.#applies.observe('level', durationMs);
  }

  roundTrip(peer: NodeId, durationMs: number): void {
    this.#roundTrips.observe(peer, durationMs);
  }

  election(): void {
    this.#elections.inc();
  }

  error(code: ErrorCode, count = 1): void {
    this.#errorsPending.set(code, (this.#errorsPending.get(code) ?? 0) + count);
  }

  /** The text that Prometheus reads. */
  async text(): Promise<{ contentType: string; body: string }> {
    this.#latest = this.#readings();
    return { contentType: this.#registry.contentType, body: await this.#registry.metrics() };
  }
}

function registerErrors(registry: Registry, pending: Map<ErrorCode, number>): void {
  new Counter({
    name: 'holdfast_errors_total',
    help: 'Errors answered to clients, by code',
    labelNames: ['code'],
    registers: [registry],
    collect(): void {
      for (const [code, count] of pending) this.inc({ code }, count);
      pending.clear();
    },
  });
}

function registerLanes(registry: Registry, readings: () => MetricReadings): void {
  for (const [name, help, Metric] of [
    ['running', 'Requests begun and not answered, by lane', Gauge],
    ['waiting', 'Requests that wait to be begun, by lane', Gauge],
    ['refused', 'Requests refused because their lane was full', Counter],
  ] as const) {
    new Metric({
      name: `holdfast_lane_${name}${Metric === Counter ? '_total' : ''}`,
      help,
      labelNames: ['lane'],
      registers: [registry],
      collect(this: Gauge | Counter): void {
        this.reset();
        for (const lane of LANES) this.inc({ lane }, readings().lanes[lane][name]);
      },
    });
  }
}

/** Gauges (and the counters that the core keeps itself) read when somebody asks. */
function registerReadings(registry: Registry, readings: () => MetricReadings): void {
  const gauge = (name: string, help: string, value: (readings: MetricReadings) => number): void => {
    new Gauge({
      name: `holdfast_${name}`,
      help,
      registers: [registry],
      collect(): void {
        this.set(value(readings()));
      },
    });
  };
  gauge('term', 'Newest term this node knows', ({ term }) => term);
  gauge('commit_index', 'Newest entry known committed', ({ commit }) => commit);
  gauge('applied_index', 'Newest entry in the store', ({ applied }) => applied);
  gauge('durable_index', 'Newest entry on stable storage here', ({ durable }) => durable);
  gauge('ready', '1 when this node can serve', ({ ready }) => (ready ? 1 : 0));
  gauge('client_connections', 'Open client connections', ({ connections }) => connections);
  gauge('watches', 'Open watches', ({ watches }) => watches.watches);
  gauge('watch_lag_entries', 'Entries that the slowest watch is behind', ({ watches }) => watches.lagEntries);
  gauge('sessions', 'Client sessions', ({ sessions }) => sessions);
  gauge('queued_requests', 'Requests admitted and not yet logged', ({ queued }) => queued);
  gauge('wal_segments', 'Files of the write-ahead log', ({ wal }) => wal.segments);
  gauge('wal_bytes', 'Bytes of the write-ahead log', ({ wal }) => wal.bytes);
  gauge('diverged_entries_filed', 'Entries in the divergence file', ({ divergence }) => divergence.filed);
  gauge(
    'diverged_entries_pending',
    'Superseded entries not judged yet',
    ({ divergence }) => divergence.pending,
  );
  new Gauge({
    name: 'holdfast_role',
    help: '1 for the role this node has',
    labelNames: ['role'],
    registers: [registry],
    collect(): void {
      const { role } = readings();
      for (const each of ROLES) this.set({ role: each }, each === role ? 1 : 0);
    },
  });
  registerLanes(registry, readings);
  new Gauge({
    name: 'holdfast_shedding_ratio',
    help: 'Share of new requests refused because others wait too long, by lane',
    labelNames: ['lane'],
    registers: [registry],
    collect(): void {
      const { writes, reads } = readings().shedding;
      this.set({ lane: 'writes' }, writes);
      this.set({ lane: 'reads' }, reads);
    },
  });
  const lag = (name: string, help: string, value: (peer: PeerStatus) => number): void => {
    new Gauge({
      name: `holdfast_peer_lag_${name}`,
      help,
      labelNames: ['peer'],
      registers: [registry],
      collect(): void {
        // A standby has no peers to tell of: what it told as primary must not stay.
        this.reset();
        for (const peer of readings().peers) this.set({ peer: peer.id }, value(peer));
      },
    });
  };
  lag('entries', 'Entries a standby is behind this primary', (peer) => peer.lagEntries);
  lag('bytes', 'Bytes a standby is behind this primary', (peer) => peer.lagBytes);
  lag('seconds', 'Time since a standby held all that this primary had logged', (peer) => peer.lagMs / 1000);
  new Counter({
    name: 'holdfast_watch_events_total',
    help: 'Mutations told to watches',
    registers: [registry],
    collect(): void {
      this.reset();
      this.inc(readings().watches.events);
    },
  });
  new Counter({
    name: 'holdfast_acknowledged_total',
    help: 'Writes acknowledged, by the level reached',
    labelNames: ['level'],
    registers: [registry],
    collect(): void {
      this.reset();
      for (const [level, count] of Object.entries(readings().acknowledged)) this.inc({ level }, count);
    },
  });
}
