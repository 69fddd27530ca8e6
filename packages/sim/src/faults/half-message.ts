import { between, logUniform, pick } from '../run/draw.ts';
import type { FaultType } from './fault-type.ts';
import { drawPrimaryEnd, drawTwoHosts, endsOf, type Way } from './target.ts';

/**
 * What one host sends the other next comes in by a part, and nothing after it; some time later all connections between them
 * break.
 */
export interface HalfMessage extends Way {
  readonly kind: 'halfMessage';
  /** It is the next one that is so long. */
  readonly bytesMin: number;
  readonly share: number;
  readonly lingerMs: number;
}

/** Of any message, of those with requests or entries, and of long ones. */
const BYTES_MIN = [1, 1, 300, 2000];
const WAITS_MS_MAX = 3000;

export const halfMessage: FaultType<HalfMessage> = {
  perSecond: [0.2, 4],
  draw(random, scene) {
    const [from, to] = drawTwoHosts(random, scene);
    return {
      kind: 'halfMessage',
      from,
      to,
      bytesMin: pick(random, BYTES_MIN),
      share: between(random, 0.01, 0.99),
      lingerMs: logUniform(random, 0.1, 2000),
      ...drawPrimaryEnd(random),
    };
  },
  inflict(fault, world) {
    const { bytesMin, share, lingerMs } = fault;
    const { network } = world.cluster;
    const ends = endsOf(fault, world);
    if (ends === undefined) return;
    const { from, to } = ends;
    const onHalted = (): void => {
      world.marks.meet('messageCutShort');
      world.strikes('halfMessage', `of a message from ${from} to ${to} a part comes in, and nothing more`);
      world.during(lingerMs, () => network.drop(from, to));
    };
    world.during(WAITS_MS_MAX, network.halt(from, to, { bytesMin, share, onHalted }));
  },
};
