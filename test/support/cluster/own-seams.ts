import type { Seams } from '@holdfast/client';
import { SystemClock, SystemRandom, WebSocketTransport } from '@holdfast/io';

/** The real ones, for one client: those of one process share links and a session, while tests want several of them. */
export function ownSeams(): Seams {
  return { transport: new WebSocketTransport(), clock: new SystemClock(), random: new SystemRandom() };
}
