import type { Effect } from '@holdfast/core';
import { type Entry, type LogIndex, lastRevisionOf, type Term } from '@holdfast/types';
import { EntryCodec } from '@holdfast/wire';
import type { Boot } from '../cluster/core-probe.ts';
import { SafetyViolation } from './safety-violation.ts';
import { WinningLog } from './winning-log.ts';

interface Committed {
  readonly entry: Entry;
  readonly bytes: Uint8Array;
  readonly by: string;
}

/** What a node says of its store. */
export interface FoundDigest {
  readonly node: string;
  readonly applied: number;
  readonly digest: string;
}

const NAME = 'state machine safety';

/** At one index all nodes apply one entry, in all their lives, and equal logs leave equal stores. */
export class StateMachineSafety {
  readonly #committed = new Map<LogIndex, Committed>();
  readonly #codec = new EntryCodec();
  /** The newest revision, and the newest term, that any node has applied. */
  newestRevision = 0;
  newestTerm = 0;

  onEffect({ node, number }: Boot, effect: Effect): void {
    if (effect.kind !== 'apply') return;
    for (const entry of effect.entries) this.#applied(`${node} (run ${number})`, entry);
  }

  /** Of the entry that was applied there; undefined: none was yet. */
  termAt(index: LogIndex): Term | undefined {
    return this.#committed.get(index)?.entry.term;
  }

  /** Stores of nodes that have applied the same. */
  checkDigests(found: readonly FoundDigest[]): void {
    const byIndex = Map.groupBy(found, ({ applied }) => applied);
    for (const [index, same] of byIndex) {
      const [first] = same;
      const other = same.find(({ digest }) => digest !== first!.digest);
      if (other !== undefined)
        throw new SafetyViolation(NAME, `${first!.node} and ${other.node} hold different data at ${index}`);
    }
  }

  /** Throws if the applied entries do not make one log. */
  winningLog(): WinningLog {
    const entries: Entry[] = [];
    for (let index = 1; this.#committed.has(index as LogIndex); index += 1)
      entries.push(this.#committed.get(index as LogIndex)!.entry);
    if (entries.length !== this.#committed.size)
      throw new SafetyViolation(NAME, `nobody applied ${entries.length + 1}, and somebody later entries`);
    entries.forEach((entry, place) => {
      const before = entries[place - 1];
      if (entry.previousTerm !== (before?.term ?? 0))
        throw new SafetyViolation(NAME, `${nameOf(entry)} does not follow ${before && nameOf(before)}`);
    });
    return new WinningLog(entries);
  }

  #applied(by: string, entry: Entry): void {
    const bytes = this.#codec.encode(entry);
    const known = this.#committed.get(entry.index);
    if (known === undefined) {
      this.newestRevision = Math.max(this.newestRevision, lastRevisionOf(entry));
      this.newestTerm = Math.max(this.newestTerm, entry.term);
      this.#committed.set(entry.index, { entry, bytes, by });
      return;
    }
    if (Buffer.compare(known.bytes, bytes) !== 0)
      throw new SafetyViolation(
        NAME,
        `${by} applies ${nameOf(entry)} where ${known.by} applied ${nameOf(known.entry)}`,
      );
  }
}

function nameOf(entry: Entry): string {
  return `${entry.index}@${entry.term}`;
}
