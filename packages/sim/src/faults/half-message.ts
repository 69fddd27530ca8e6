import { between, logUniform, pick } from '../run/draw.ts';
import type { FaultType } from './fault-type.ts';
import { drawTwoHosts } from './target.ts';

/**
 * What one host sends the other next comes in by a part, and nothing after it; some time later all connections between them
 * break.
 */
export interface HalfMessage {
  readonly kind: 'halfMessage';
  readonly from: string;
  readonly to: string;
  /** It is the next one that is so long. */
  readonly bytesMin: number;
  readonly share: number;
  readonly lingerMs: number;
  /** Instead of that end: who is the primary then. */
  readonly primaryIs?: 'from' | 'to';
}

const PRIMARY_SHARE = 0.5;
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
      ...(random.next() < PRIMARY_SHARE ? { primaryIs: pick(random, ['from', 'to']) } : {}),
    };
  },
  inflict({ bytesMin, share, lingerMs, primaryIs, ...fault }, world) {
    const { network, primary } = world.cluster;
    const from = primaryIs === 'from' ? (primary?.id ?? fault.from) : fault.from;
    const to = primaryIs === 'to' ? (primary?.id ?? fault.to) : fault.to;
    if (from === to) return;
    const onHalted = (): void => {
      world.marks.meet('messageCutShort');
      world.strikes('halfMessage', `of a message from ${from} to ${to} a part comes in, and nothing more`);
      world.during(lingerMs, () => network.drop(from, to));
    };
    world.during(WAITS_MS_MAX, network.halt(from, to, { bytesMin, share, onHalted }));
  },
};
