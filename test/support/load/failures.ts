import { Holdfast } from '@holdfast/client';
import { SystemClock, SystemRandom } from '@holdfast/io';
import { CountingTransport } from '../cluster/counting-transport.ts';
import { LocalCluster } from '../cluster/local-cluster.ts';
import { FaultProxy } from '../faults/fault-proxy.ts';
import { waitUntil } from '../faults/wait-until.ts';
import { Arrivals, type Seen } from './arrivals.ts';
import { quantile } from './failovers.ts';

/** A cluster whose clients reach its nodes through proxies. */
export interface ProxiedCluster {
  readonly cluster: LocalCluster;
  proxy(id: string): FaultProxy;
}

/** Something that goes wrong between a client and its nodes. */
export interface Failure {
  readonly name: string;
  /** Is under way when it resolves. `primary` is the node's id. */
  begin(nodes: ProxiedCluster, primary: string): Promise<void> | void;
  end(nodes: ProxiedCluster, primary: string): Promise<void> | void;
}

const eachProxy = async (
  nodes: ProxiedCluster,
  work: (proxy: FaultProxy) => Promise<void>,
): Promise<void> => {
  await Promise.all(nodes.cluster.ids.map((id) => work(nodes.proxy(id))));
};

const SLOW_MS = 300;

export const PRIMARY_FROZEN: Failure = {
  name: 'the primary is frozen (SIGSTOP)',
  begin: ({ cluster }, primary) => cluster.pause(primary),
  end: ({ cluster }, primary) => cluster.resume(primary),
};

/** The other nodes hear it as ever, and so it stays primary. */
export const PRIMARY_SILENT: Failure = {
  name: 'the primary takes connections of clients and never answers',
  begin: (nodes, primary) => nodes.proxy(primary).become('hole'),
  end: (nodes, primary) => nodes.proxy(primary).become('pass'),
};

export const ALL_REFUSE: Failure = {
  name: 'no node takes connections',
  begin: (nodes) => eachProxy(nodes, (proxy) => proxy.become('refuse')),
  end: (nodes) => eachProxy(nodes, (proxy) => proxy.become('pass')),
};

export const ALL_SILENT: Failure = {
  name: 'every node takes connections and never answers',
  begin: (nodes) => eachProxy(nodes, (proxy) => proxy.become('hole')),
  end: (nodes) => eachProxy(nodes, (proxy) => proxy.become('pass')),
};

export const FAILURES: readonly Failure[] = [
  {
    name: 'nothing',
    begin: () => {},
    end: () => {},
  },
  PRIMARY_FROZEN,
  PRIMARY_SILENT,
  {
    name: `the primary answers ${SLOW_MS} ms late`,
    begin: (nodes, primary) => {
      nodes.proxy(primary).answerDelayMs = SLOW_MS;
    },
    end: (nodes, primary) => {
      nodes.proxy(primary).answerDelayMs = 0;
    },
  },
  {
    name: 'the primary drops every second connection at once, the others soon',
    begin: (nodes, primary) => nodes.proxy(primary).become('flaky'),
    end: (nodes, primary) => nodes.proxy(primary).become('pass'),
  },
  ALL_REFUSE,
  ALL_SILENT,
  {
    name: 'all nodes are killed, and started again at the end',
    begin: async ({ cluster }) => {
      await Promise.all(cluster.ids.map((id) => cluster.kill(id)));
    },
    end: async ({ cluster }) => {
      await Promise.all(cluster.ids.map((id) => cluster.start(id)));
    },
  },
];

export interface FailureFigures extends Seen {
  readonly failure: string;
  /** Frames handed to sockets, for each call. */
  readonly framesPerCall: number;
  /** The same of the time that the failure lasts alone: calls that go well before and after it would hide much. */
  readonly framesPerCallMeanwhile: number;
  /** Times that a call was sent, for each call. */
  readonly attemptsPerCall: number;
}

export const TIMEOUT_MS = 1000;
const PART_MS = 500;

/** Nodes behind proxies, and a client that is used as an application would; `work` ends before they do. */
export async function withProxiedCluster<Result>(
  work: (measure: (failure: Failure, lastsMs: number) => Promise<FailureFigures>) => Promise<Result>,
): Promise<Result> {
  const proxies = new Map<string, FaultProxy>();
  const cluster = await LocalCluster.make({
    rehearses: true,
    advertiseOf: (id) => `ws://127.0.0.1:${proxies.get(id)!.port}`,
  });
  const transport = new CountingTransport();
  let client: Holdfast<string, string> | undefined;
  try {
    for (const id of cluster.ids) {
      const { hostname, port } = new URL(cluster.url(id));
      const proxy = new FaultProxy({ host: hostname, port: Number(port) });
      await proxy.listen();
      proxies.set(id, proxy);
    }
    await cluster.startAll();
    const urls = [...proxies.values()].map(({ port }) => `ws://127.0.0.1:${port}`);
    client = new Holdfast<string, string>(urls, {
      seams: { transport, clock: new SystemClock(), random: new SystemRandom() },
    });
    await client.open();
    const nodes: ProxiedCluster = { cluster, proxy: (id) => proxies.get(id)! };
    const opened = client;
    return await work((failure, lastsMs) => measured(nodes, { client: opened, transport }, failure, lastsMs));
  } finally {
    await client?.close();
    await cluster.close();
    for (const proxy of proxies.values()) await proxy.close();
  }
}

/** Calls come from before the failure until after its end. */
async function measured(
  nodes: ProxiedCluster,
  { client, transport }: { readonly client: Holdfast<string, string>; readonly transport: CountingTransport },
  failure: Failure,
  lastsMs: number,
): Promise<FailureFigures> {
  const primary = await nodes.cluster.primary();
  await waitUntil('a client at ease', async () => {
    await client.put('ease', 'here', { timeoutMs: TIMEOUT_MS }).catch(() => undefined);
    const { connected, primary, nodes } = client.health()!;
    return connected && nodes.some(({ id, breaker }) => id === primary && breaker === 'closed');
  });
  const before = { frames: transport.frames, attempts: client.health()!.counters.attempts };
  const arrivals = new Arrivals(client, TIMEOUT_MS);
  await arrivals.comeFor(PART_MS);
  await failure.begin(nodes, primary);
  const begun = { frames: transport.frames, calls: arrivals.issued };
  await arrivals.comeFor(lastsMs);
  const framesPerCallMeanwhile = (transport.frames - begun.frames) / (arrivals.issued - begun.calls);
  await failure.end(nodes, primary);
  await arrivals.comeFor(PART_MS);
  const seen = await arrivals.stop();
  return {
    ...seen,
    failure: failure.name,
    framesPerCallMeanwhile,
    framesPerCall: (transport.frames - before.frames) / seen.calls,
    attemptsPerCall: (client.health()!.counters.attempts - before.attempts) / seen.calls,
  };
}

export const FAILURE_TABLE_HEAD: string = [
  '| what goes wrong | calls | succeeded | failed | p50 ms | p99 ms | longest ms | sent per call | frames per call |',
  '| --- | ---: | ---: | --- | ---: | ---: | ---: | ---: | ---: |',
].join('\n');

export function failureRow(figures: FailureFigures): string {
  const { latencies, calls, succeeded, failed } = figures;
  const failures = [...failed].map(([code, count]) => `${count} \`${code.replace('HOLDFAST_', '')}\``);
  const cells = [
    figures.failure,
    calls,
    succeeded,
    failures.join(', ') || 'none',
    ...[0.5, 0.99, 1].map((part) => quantile(latencies, part).toFixed(1)),
    figures.attemptsPerCall.toFixed(2),
    figures.framesPerCall.toFixed(2),
  ];
  return `| ${cells.join(' | ')} |`;
}
