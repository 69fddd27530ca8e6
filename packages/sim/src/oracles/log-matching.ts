import type { Effect } from '@holdfast/core';
import type { Entry, LogIndex, NodeId, Term } from '@holdfast/types';
import { EntryCodec } from '@holdfast/wire';
import type { Boot } from '../cluster/core-probe.ts';
import { SafetyViolation } from './safety-violation.ts';

interface Logged {
  readonly bytes: Uint8Array;
  readonly by: NodeId;
}

/** What a core has in its log. */
export interface LogView {
  termAt(index: LogIndex): Term | undefined;
}

const NAME = 'log matching';

/**
 * Two logs that have an entry of one term at one index have the same entry there, and the same before it (Raft §5.3).
 * Each entry that is logged equals all that were logged at its position, anywhere and ever, and follows an entry of the
 * term that it names: the rest is induction.
 */
export class LogMatching {
  readonly #logged = new Map<string, Logged>();
  readonly #codec = new EntryCodec();

  /** `log`: as the step has left it. */
  onEffect({ node }: Boot, effect: Effect, log: LogView): void {
    if (effect.kind !== 'persist') return;
    const { record } = effect.order;
    if (record.kind !== 'entries' && record.kind !== 'repair') return;
    let before: Entry | undefined;
    for (const entry of record.entries) {
      this.#isSame(node, entry);
      // A repair fills a hole from its upper end: what stands before it is not known yet.
      if (record.kind === 'entries') follows(node, entry, before, log);
      before = entry;
    }
  }

  #isSame(node: NodeId, entry: Entry): void {
    const position = `${entry.index}@${entry.term}`;
    const bytes = this.#codec.encode(entry);
    const known = this.#logged.get(position);
    if (known === undefined) this.#logged.set(position, { bytes, by: node });
    else if (Buffer.compare(known.bytes, bytes) !== 0)
      throw new SafetyViolation(NAME, `${node} logs another entry at ${position} than ${known.by} did`);
  }
}

function follows(node: NodeId, entry: Entry, before: Entry | undefined, log: LogView): void {
  const index = (entry.index - 1) as LogIndex;
  const term = before === undefined ? (index === 0 ? 0 : log.termAt(index)) : before.term;
  if (term === undefined || term === entry.previousTerm) return;
  throw new SafetyViolation(
    NAME,
    `${node} logs ${entry.index}@${entry.term}, which follows term ${entry.previousTerm}, behind an entry of term ${term}`,
  );
}
