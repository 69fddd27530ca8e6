import type { LogIndex } from '@holdfast/types';
import type { Context } from '../kernel/context.ts';

/** Applied log kept in memory though nobody lacks it: what a standby that is a moment behind asks a new primary for. */
const TAIL_BYTES = 262_144;

/**
 * What a linked peer may yet ask for stays in memory as far as the limit allows. The rest goes soon, but for a short
 * tail: decoded entries are many small objects, and what lives for a second is copied over and over by the collector.
 */
export function evictLog(
  { log, persists, config }: Context,
  at: { readonly applied: LogIndex; readonly neededFrom: LogIndex | undefined },
): void {
  const { logCacheBytesMax } = config.limits;
  const done = Math.min(at.applied, persists.durable);
  const unneeded = Math.min(done, (at.neededFrom ?? Number.MAX_SAFE_INTEGER) - 1);
  log.evict(unneeded as LogIndex, Math.min(TAIL_BYTES, logCacheBytesMax));
  log.evict(done as LogIndex, logCacheBytesMax);
}
