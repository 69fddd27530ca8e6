import { SystemClock, SystemRandom, WebSocketTransport } from '@holdfast/io';
import type { Clock, Random, Transport } from '@holdfast/types';

/** Where a client touches the world. */
export interface Seams {
  readonly transport: Transport;
  readonly clock: Clock;
  readonly random: Random;
}

/** The real ones. */
export function systemSeams(): Seams {
  return { transport: new WebSocketTransport(), clock: new SystemClock(), random: new SystemRandom() };
}
