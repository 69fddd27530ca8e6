import { assert } from '@holdfast/types';
import type { Core } from '../core.ts';

/** What holds after every step, whatever came before. */
export function checkInvariants(core: Core): void {
  const { context, applier, office } = core;
  const { log, persists, commit, role, primary, config, exclusion } = context;
  assert(
    persists.durable <= log.last.index,
    `durable ${persists.durable} beyond the log's end ${log.last.index}`,
  );
  assert(commit <= log.last.index, `commit ${commit} beyond the log's end ${log.last.index}`);
  // A log that has lost its end stands behind its store: then the node is out, and applies nothing (fault 41).
  assert(
    exclusion !== undefined || applier.applied.index <= Math.max(commit, log.base.index),
    `applied ${applier.applied.index} beyond commit ${commit}`,
  );
  assert((office !== undefined) === (role === 'primary'), `role ${role} and office disagree`);
  assert(role !== 'primary' || primary === config.self, 'a primary knows itself');
  assert(office === undefined || office.term === context.term, 'an office lasts one term');
  assert(
    log.first >= log.base.index || log.base.index === 0,
    `first ${log.first} below the base ${log.base.index}`,
  );
  assert(log.cachedTo <= log.last.index, 'the cache ends with the log');
  if (office === undefined) return;
  for (const progress of office.replicator.progress.values()) {
    assert(
      progress.next > progress.match,
      `${progress.peer}: next ${progress.next}, match ${progress.match}`,
    );
    assert(progress.match <= log.last.index, `${progress.peer} matches beyond the log's end`);
    assert(progress.inflightBytes >= 0, `${progress.peer}: bytes in flight below zero`);
  }
}
