import { NodeDisk, SystemClock, SystemRandom, WebSocketTransport } from '@holdfast/io';
import type { NodeSeams } from './node.ts';

/** This machine's network, files, clock and randomness. */
export function systemSeams(): NodeSeams {
  return {
    transport: new WebSocketTransport(),
    disk: new NodeDisk(),
    clock: new SystemClock(),
    random: new SystemRandom(),
  };
}
