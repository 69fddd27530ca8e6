import { assert } from '@holdfast/types';
import { RandomCluster } from './random-cluster.ts';
import type { RandomHost } from './random-host.ts';

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
    disk: cluster.draw(3),
  };
  cluster.runFor(600);
  for (let round = 0; round < 60; round++) {
    for (let count = cluster.draw(8); count > 0; count--) cluster.clients.act();
    const host = cluster.pick([...cluster.hosts.values()]);
    if (cluster.draw(10) < faults.crash)
      host.core === undefined ? restart(cluster, host, faults) : cluster.crash(host);
    else if (host.core === undefined && cluster.draw(3) === 0) restart(cluster, host, faults);
    if (cluster.draw(20) < faults.cut) cluster.cut(cluster.pick(cluster.ids), cluster.pick(cluster.ids));
    if (cluster.draw(6) === 0) cluster.healAll();
    if (cluster.draw(20) < faults.pause) cluster.pause(host, cluster.draw(1500));
    if (cluster.draw(10) < faults.compact) cluster.compact(host, cluster.draw(2) === 0);
    if (cluster.draw(10) === 0) cluster.checkpoint(host);
    if (cluster.draw(20) < faults.switchover) cluster.switchover();
    cluster.runFor(cluster.draw(120));
  }
  cluster.healAll();
  for (const host of cluster.hosts.values()) if (host.core === undefined) cluster.start(host);
  cluster.runFor(4000);
  // Newer entries on every node: what an older term left behind is judged by them.
  for (let count = 0; count < 3; count++) cluster.clients.writeAtQuorum();
  cluster.runFor(4000);
  if (cluster.draw(4) === 0) diskGoesBack(cluster);
  converged(cluster);
  return cluster;
}

/** A standby comes back with an old copy of its disk, under the primary that it had acknowledged more to (fault 20). */
function diskGoesBack(cluster: RandomCluster): void {
  const primary = cluster.primary();
  const hosts = [...cluster.hosts.values()];
  const host = hosts.find((one) => one !== primary && isSound(one));
  if (primary === undefined || host === undefined || hosts.length < 3 || !hosts.every(isSound)) return;
  const old = host.copyDisk();
  for (let count = 0; count < 3; count++) cluster.clients.writeAtQuorum();
  cluster.runFor(1000);
  if (host.log.recover().last.index === old.log.recover().last.index) return;
  cluster.crash(host);
  host.restoreDisk(old);
  for (let start = 0; start < 2; start++) {
    cluster.start(host);
    cluster.runFor(1500);
    assert(cluster.primary() === primary, 'a standby with an old disk ended an office');
    assert(host.core?.context.exclusion === 'disk-went-back', `${host.id} went back, and nobody found out`);
    if (start === 0) cluster.crash(host);
  }
  cluster.counts.wentBack++;
}

/** A node that is down comes back, now and then with less on its disk than it had. */
function restart(cluster: RandomCluster, host: RandomHost, faults: { readonly disk: number }): void {
  const others = [...cluster.hosts.values()].filter((other) => other !== host);
  // One sound disk more than half: else there is nothing to promise.
  const sound = others.filter((other) => isSound(other)).length;
  if (cluster.draw(8) < faults.disk && sound === others.length && others.length > 1) {
    switch (cluster.draw(6)) {
      case 0:
      case 1:
        cluster.wipe(host);
        break;
      case 2:
      case 3:
        cluster.damage(host);
        break;
      default:
        cluster.loseStore(host);
    }
  }
  cluster.start(host);
}

/** Up, with a log and a store that nothing is missing from. */
function isSound(host: RandomHost): boolean {
  const { core } = host;
  return core?.applier.usable === true && !core.repair.active && core.context.exclusion === undefined;
}

/** Liveness and agreement after the faults: one primary, everything acknowledged there, the same bytes everywhere. */
function converged(cluster: RandomCluster): void {
  const primary = cluster.primary();
  assert(primary?.core?.office?.admitting === true, 'no primary admits writes after the faults ended');
  const members = [...cluster.hosts.values()].filter((host) => !host.mayBeOut);
  for (const host of members) {
    assert(host.core!.serving, `${host.id} does not serve after the faults ended`);
    assert(host.core!.applier.supersededPending === 0, `${host.id} has entries that nobody judged`);
    assert(host.core!.context.exclusion === undefined, `${host.id} is out`);
  }
  cluster.clients.checkOutcome(members);
}
