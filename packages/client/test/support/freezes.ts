import type { Simulation } from '@holdfast/sim';

/** Hosts stand still one after the other, each for up to a second and a half, until it is over. */
export async function freezeSome(
  { cluster, clock, random }: Simulation,
  { hosts, isOver }: { readonly hosts: readonly string[]; readonly isOver: () => boolean },
): Promise<void> {
  while (!isOver()) {
    await clock.sleep(random.integer(50, 800));
    const host = random.pick(hosts);
    cluster.freeze(host);
    clock.setTimer(random.integer(1, 1500), () => cluster.thaw(host));
  }
}
