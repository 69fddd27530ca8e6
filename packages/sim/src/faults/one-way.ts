import { logUniform, pick } from '../run/draw.ts';
import type { FaultType } from './fault-type.ts';

/** A host is not heard by some others, or does not hear them, for a while. */
export interface OneWay {
  readonly kind: 'oneWay';
  readonly host: string;
  readonly direction: 'unheard' | 'deaf';
  readonly others: readonly string[];
  readonly forMs: number;
}

export const oneWay: FaultType<OneWay> = {
  perSecond: [0.1, 1.5],
  draw(random, { hosts }) {
    const host = pick(random, hosts);
    const others = hosts.filter((other) => other !== host && random.next() < 0.6);
    const direction = random.next() < 0.5 ? 'unheard' : 'deaf';
    return { kind: 'oneWay', host, direction, others, forMs: logUniform(random, 30, 3000) };
  },
  inflict({ host, direction, others, forMs }, world) {
    const { network } = world.cluster;
    for (const other of others)
      if (direction === 'unheard') network.cutOneWay(host, other);
      else network.cutOneWay(other, host);
    const names = others.join(' ') || 'nobody';
    world.strikes(
      'oneWay',
      `${host} is not ${direction === 'unheard' ? 'heard by' : 'reached from'} ${names}`,
    );
    world.healAfter(forMs);
  },
};
