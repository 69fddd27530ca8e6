import { logUniform } from '../run/draw.ts';
import type { FaultType } from './fault-type.ts';

/** Some nodes do not reach some others, which others may do: the network is whole for nobody, and cut for none (fault 10). */
export interface Mesh {
  readonly kind: 'mesh';
  readonly cut: readonly (readonly [one: string, other: string])[];
  readonly forMs: number;
}

export const mesh: FaultType<Mesh> = {
  perSecond: [0.1, 1],
  draw(random, { nodes }) {
    const share = 0.2 + random.next() * 0.5;
    const cut = pairsOf(nodes).filter(() => random.next() < share);
    return { kind: 'mesh', cut, forMs: logUniform(random, 30, 3000) };
  },
  inflict({ cut, forMs }, world) {
    if (cut.length === 0) return;
    for (const [one, other] of cut) world.cluster.network.cut(one, other);
    world.strikes('mesh', `cut: ${cut.map((pair) => pair.join('-')).join(' ')}`);
    world.healAfter(forMs);
  },
};

export function pairsOf(nodes: readonly string[]): (readonly [string, string])[] {
  return nodes.flatMap((one, place) => nodes.slice(place + 1).map((other) => [one, other] as const));
}
