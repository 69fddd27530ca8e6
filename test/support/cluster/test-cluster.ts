import { cleanUps } from '../clean-up.ts';
import { HostNetwork } from './host-network.ts';
import { LocalCluster, type LocalClusterOptions } from './local-cluster.ts';

const open = new Set<LocalCluster>();
const networks = new Set<HostNetwork>();

cleanUps.push({
  afterTest: async ({ hasFailed }) => {
    const clusters = [...open];
    open.clear();
    if (hasFailed) for (const cluster of clusters) console.error(cluster.logTails());
    await Promise.all(clusters.map((cluster) => cluster.close()));
    for (const network of networks) network.close();
    networks.clear();
  },
});

/** A cluster that ends with the test that made it; nothing is started yet. A failure prints the nodes' logs. */
export async function makeTestCluster(options: LocalClusterOptions = {}): Promise<LocalCluster> {
  const cluster = await LocalCluster.make(options);
  open.add(cluster);
  return cluster;
}

/** As above, and it takes writes. */
export async function startTestCluster(options: LocalClusterOptions = {}): Promise<LocalCluster> {
  const cluster = await makeTestCluster(options);
  await cluster.startAll();
  return cluster;
}

/** As above, with a host of its own for every node. */
export async function startTestClusterOfHosts(
  count = 3,
): Promise<{ cluster: LocalCluster; network: HostNetwork }> {
  const network = new HostNetwork(Array.from({ length: count }, (_, position) => `n${position + 1}`));
  networks.add(network);
  const cluster = await startTestCluster({
    count,
    hostOf: (id) => network.addressOf(id),
    launcherOf: (id) => network.launcherOf(id),
  });
  return { cluster, network };
}
