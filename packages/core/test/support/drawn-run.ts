import { assert } from '@holdfast/types';
import { RandomCluster } from './random-cluster.ts';

/** One seed: faults and calls in turn, then the faults end and the cluster must agree. */
export function runDrawn(seed: number, onCluster?: (cluster: RandomCluster) => void): RandomCluster {
  const cluster = new RandomCluster(seed, [1, 2, 3, 3, 3, 5][seed % 6]!);
  onCluster?.(cluster);
  const faults = {
    crash: cluster.draw(3),
    cut: cluster.draw(3),
    pause: cluster.draw(3),
    compact: cluster.draw(2),
    switchover: cluster.draw(2),
  };
  cluster.runFor(600);
  for (let round = 0; round < 60; round++) {
    for (let count = cluster.draw(6); count > 0; count--) act(cluster);
    const host = cluster.pick([...cluster.hosts.values()]);
    if (cluster.draw(10) < faults.crash) host.core === undefined ? cluster.start(host) : cluster.crash(host);
    else if (host.core === undefined && cluster.draw(3) === 0) cluster.start(host);
    if (cluster.draw(20) < faults.cut) cluster.cut(cluster.pick(cluster.ids), cluster.pick(cluster.ids));
    if (cluster.draw(6) === 0) cluster.healAll();
    if (cluster.draw(20) < faults.pause) cluster.pause(host, cluster.draw(1500));
    if (cluster.draw(10) < faults.compact) cluster.compact(host);
    if (cluster.draw(10) === 0) cluster.checkpoint(host);
    if (cluster.draw(20) < faults.switchover) cluster.switchover();
    cluster.runFor(cluster.draw(120));
  }
  cluster.healAll();
  for (const host of cluster.hosts.values()) if (host.core === undefined) cluster.start(host);
  cluster.runFor(6000);
  converged(cluster);
  return cluster;
}

function act(cluster: RandomCluster): void {
  const drawn = cluster.draw(10);
  if (drawn < 5) cluster.write();
  else if (drawn < 7) cluster.read();
  else if (drawn < 9 && cluster.calls.length > 0) cluster.send(cluster.pick(cluster.calls));
  else cluster.openSession();
}

/** Liveness and agreement after the faults: one primary, the same bytes everywhere, every acknowledged increment in them once. */
function converged(cluster: RandomCluster): void {
  const primary = cluster.primary();
  assert(primary?.core?.office?.admitting === true, 'no primary admits writes after the faults ended');
  const expected = JSON.stringify(primary.store.data());
  for (const host of cluster.hosts.values()) {
    assert(JSON.stringify(host.store.data()) === expected, `${host.id} and ${primary.id} differ`);
  }
  for (const [key, acknowledged] of cluster.acknowledgedCounts) {
    const record = primary.store.get(Buffer.from(`c${key}`));
    const value = record === undefined ? 0 : Number(Buffer.from(record.value).toString());
    const most = cluster.maybeCounts.get(key) ?? 0;
    assert(
      value >= acknowledged && value <= most,
      `counter ${key} is ${value}, acknowledged ${acknowledged}, asked ${most}`,
    );
  }
}
