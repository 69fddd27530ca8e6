import { AssertionError } from '@holdfast/types';
import type { Core } from '../core.ts';
import type { Progress } from '../replication/progress.ts';

/**
 * What holds after every step, whatever came before. Simulations ask after each: words are made only for what is broken.
 * Comparisons stand as they should be, so that what is no number is broken too.
 */
export function checkInvariants(core: Core): void {
  const { context, applier, office } = core;
  const { log, persists, commit, role, primary, config, exclusion } = context;
  const end = log.last.index;
  if (!(persists.durable <= end)) broken(`durable ${persists.durable} beyond the log's end ${end}`);
  if (!(commit <= end)) broken(`commit ${commit} beyond the log's end ${end}`);
  // A log that has lost its end stands behind its store: then the node is out, and applies nothing (fault 41).
  if (exclusion === undefined && !(applier.applied.index <= Math.max(commit, log.base.index)))
    broken(`applied ${applier.applied.index} beyond commit ${commit}`);
  if ((office !== undefined) !== (role === 'primary')) broken(`role ${role} and office disagree`);
  if (role === 'primary' && primary !== config.self) broken('a primary knows itself');
  if (office !== undefined && office.term !== context.term) broken('an office lasts one term');
  if (!(log.first >= log.base.index) && log.base.index !== 0)
    broken(`first ${log.first} below the base ${log.base.index}`);
  if (!(log.cachedTo <= end)) broken('the cache ends with the log');
  if (office === undefined) return;
  for (const progress of office.replicator.progress.values()) checkProgress(progress, end);
}

function checkProgress({ peer, next, match, inflightBytes }: Progress, end: number): void {
  if (!(next > match)) broken(`${peer}: next ${next}, match ${match}`);
  if (!(match <= end)) broken(`${peer} matches beyond the log's end`);
  if (!(inflightBytes >= 0)) broken(`${peer}: bytes in flight below zero`);
}

function broken(what: string): never {
  throw new AssertionError(what);
}
