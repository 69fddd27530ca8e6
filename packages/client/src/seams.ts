import { SystemClock, SystemRandom, WebSocketTransport } from '@holdfast/io';
import type { Clock, Random, Transport } from '@holdfast/types';

/** Where a client touches the world. */
export interface Seams {
  readonly transport: Transport;
  readonly clock: Clock;
  readonly random: Random;
}

const SYSTEM: Seams = {
  transport: new WebSocketTransport(),
  clock: new SystemClock(),
  random: new SystemRandom(),
};

/** The real ones; the same for the whole process. */
export function systemSeams(): Seams {
  return SYSTEM;
}
