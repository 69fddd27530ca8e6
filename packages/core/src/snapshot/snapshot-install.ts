import type { Entry, LogIndex, Position, StoreState, Ticket } from '@holdfast/types';
import type { Applier } from '../apply/applier.ts';
import type { Context } from '../kernel/context.ts';
import type { Repair } from '../repair/repair.ts';
import type { Standby } from '../standby/standby.ts';

interface Received {
  readonly directory: string;
  readonly state: StoreState;
  /** Why it is taken. */
  readonly reason: string;
}

/**
 * `reading`: what it will replace is read back, to be judged. `persisting`: the base frame is under way.
 * `installing`: the store is being swapped.
 */
type Phase =
  | { readonly kind: 'reading'; readonly load: number; readonly read: readonly Entry[] }
  | { readonly kind: 'persisting'; readonly ticket: Ticket }
  | { readonly kind: 'installing' };

const READ_BYTES = 4 * 1024 * 1024;

/**
 * A received snapshot takes the place of log and store: one `base` frame is the commit point, then the store is
 * swapped. Nothing is stored or applied in between (fault 32).
 */
export class SnapshotInstall {
  readonly #context: Context;
  readonly #applier: Applier;
  readonly #standby: Standby;
  readonly #repair: Repair;
  #pending: { readonly received: Received; readonly phase: Phase } | undefined;

  constructor(context: Context, parts: { applier: Applier; standby: Standby; repair: Repair }) {
    this.#context = context;
    this.#applier = parts.applier;
    this.#standby = parts.standby;
    this.#repair = parts.repair;
  }

  get busy(): boolean {
    return this.#pending !== undefined;
  }

  received(directory: string, state: StoreState): void {
    const { config } = this.#context;
    const { index } = state.applied;
    const refusal = this.#whyIgnored(state.applied);
    if (refusal !== undefined) {
      this.#context.emit({ kind: 'discardSnapshot', directory });
      this.#context.notice({ kind: 'snapshot', peer: config.self, state: 'ignored', index, reason: refusal });
      return;
    }
    const received = { directory, state, reason: this.#whyTaken() };
    this.#applier.suspend();
    if (this.#grewFrom(state.applied)) this.#replace(received, { keepTail: true });
    else this.#readReplaced(received, []);
  }

  /** A part of what will be replaced. False: it was for somebody else. */
  onLoaded(id: number, entries: readonly Entry[]): boolean {
    if (this.#pending?.phase.kind !== 'reading' || this.#pending.phase.load !== id) return false;
    const { received, phase } = this.#pending;
    const read = [...phase.read, ...entries];
    // Not to be read after all: what lies behind it the log lists at its next start.
    if (entries.length === 0) this.#replace(received, { keepTail: false, replaced: read });
    else this.#readReplaced(received, read);
    return true;
  }

  onPersisted(completed: Ticket): void {
    if (this.#pending?.phase.kind !== 'persisting' || completed < this.#pending.phase.ticket) return;
    const { received } = this.#pending;
    this.#pending = { received, phase: { kind: 'installing' } };
    this.#context.persists.rebase(received.state.applied.index);
    const { directory, state } = received;
    this.#context.emit({ kind: 'install', directory, state });
  }

  installed(directory: string): void {
    if (this.#pending === undefined || this.#pending.received.directory !== directory) return;
    const { state, reason } = this.#pending.received;
    const { index } = state.applied;
    this.#pending = undefined;
    this.#applier.replace(state);
    this.#standby.rebased(index);
    this.#tellPrimary(index);
    const { self } = this.#context.config;
    this.#context.notice({ kind: 'snapshot', peer: self, state: 'installed', index, reason });
  }

  #whyTaken(): string {
    if (!this.#applier.usable) return 'the store cannot be used';
    return this.#repair.active ? 'the log has a hole' : 'it is ahead of the store';
  }

  #whyIgnored(position: Position): string | undefined {
    const { role, exclusion } = this.#context;
    if (this.busy) return 'another is being installed';
    if (exclusion !== undefined) return 'this node is excluded';
    if (role !== 'standby') return `this node is ${role}`;
    const { handedOver, usable } = this.#applier;
    // What is on its way into the store leaves the cache once it is there: it could not be applied again after the swap.
    if (usable && !this.#repair.active)
      return position.index > handedOver ? undefined : 'it holds nothing that was not applied';
    return this.#replacesDamage(position) ? undefined : 'the log goes on beyond it';
  }

  /** What the log holds beyond the snapshot may be committed, with nothing but this copy to make a majority. */
  #replacesDamage(position: Position): boolean {
    const { log } = this.#context;
    const { applied } = this.#applier;
    return (
      position.index >= applied.index &&
      (position.index >= log.last.index ||
        (position.index + 1 >= log.first &&
          (position.term >= log.last.term || this.#isOfLog(position) !== undefined)))
    );
  }

  /**
   * What follows in the log stays: it grew from exactly this position. With a hole in that place the log's last
   * term tells: both are entries of one log if it is the same (log matching).
   */
  #grewFrom(position: Position): boolean {
    const { last } = this.#context.log;
    if (last.index <= position.index) return false;
    return this.#isOfLog(position) ?? last.term === position.term;
  }

  /** Undefined: what the log has in that place, or had before its head went or damage took it, is not known. */
  #isOfLog(position: Position): boolean | undefined {
    // Both are committed.
    if (position.index <= this.#context.commit) return true;
    const term = this.#repair.termAt(position.index);
    return term === undefined ? undefined : term === position.term;
  }

  /** All above the commit index: only this node may hold it, at or below the snapshot's position as well. */
  #readReplaced(received: Received, read: readonly Entry[]): void {
    const { log, commit } = this.#context;
    const from = this.#repair.behind(((read.at(-1)?.index ?? commit) + 1) as LogIndex);
    const { last } = log;
    if (from > last.index) {
      this.#replace(received, { keepTail: false, replaced: read });
      return;
    }
    const cached = log.warm ? log.slice(from, { to: last.index, bytesMax: Number.MAX_VALUE }) : undefined;
    if (cached !== undefined) {
      this.#replace(received, { keepTail: false, replaced: [...read, ...cached] });
      return;
    }
    const load = this.#context.newLoadId();
    this.#pending = { received, phase: { kind: 'reading', load, read } };
    this.#context.emit({ kind: 'load', id: load, from, to: last.index, bytesMax: READ_BYTES });
  }

  #replace(
    received: Received,
    how: { readonly keepTail: true } | { readonly keepTail: false; readonly replaced: readonly Entry[] },
  ): void {
    const { log, persists } = this.#context;
    const { directory, state } = received;
    const { applied: position, revision, logTime } = state;
    const { keepTail } = how;
    log.rebase(position, { revision, logTime }, keepTail);
    if (!keepTail) persists.truncate((position.index + 1) as LogIndex);
    this.#repair.rebased(keepTail ? position.index : undefined);
    // With the commit index of before: the log keeps all that it replaces above it until that is judged.
    const ticket = this.#context.persist({ kind: 'base', position, directory, keepTail });
    if (this.#context.commit < position.index) this.#context.commit = position.index;
    this.#pending = { received, phase: { kind: 'persisting', ticket } };
    if (!how.keepTail) this.#applier.supersede(how.replaced);
  }

  /** Appends were dropped meanwhile: what is committed matches any primary's log, and prompts it to go on. */
  #tellPrimary(match: LogIndex): void {
    const { primary, term, persists, config } = this.#context;
    if (primary === undefined || primary === config.self) return;
    this.#context.sendAfter(persists.stateTicket, primary, { kind: 'appendMatch', term, match });
  }
}
