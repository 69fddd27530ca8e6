import type { LogIndex, Position, StoreState, Ticket } from '@holdfast/types';
import type { Applier } from '../apply/applier.ts';
import type { Context } from '../kernel/context.ts';
import type { Standby } from '../standby/standby.ts';

interface Pending {
  readonly directory: string;
  readonly state: StoreState;
  readonly ticket: Ticket;
  readonly keepTail: boolean;
  phase: 'persisting' | 'installing';
}

/**
 * A received snapshot takes the place of log and store: one `base` frame is the commit point, then the store is
 * swapped. Nothing is stored or applied in between (fault 32).
 */
export class SnapshotInstall {
  readonly #context: Context;
  readonly #applier: Applier;
  readonly #standby: Standby;
  #pending: Pending | undefined;

  constructor(context: Context, applier: Applier, standby: Standby) {
    this.#context = context;
    this.#applier = applier;
    this.#standby = standby;
  }

  get busy(): boolean {
    return this.#pending !== undefined;
  }

  received(directory: string, state: StoreState): void {
    const { log, config } = this.#context;
    const { index } = state.applied;
    if (!this.#mayInstall(state.applied)) {
      this.#context.emit({ kind: 'discardSnapshot', directory });
      this.#context.notice({ kind: 'snapshot', peer: config.self, state: 'ignored', index });
      return;
    }
    // What follows stays only if it grew from exactly this position.
    const keepTail = log.last.index > index && log.termAt(index) === state.applied.term;
    this.#applier.suspend();
    const dropped = log.rebase(state.applied, { revision: state.revision, logTime: state.logTime }, keepTail);
    if (!keepTail) this.#context.persists.truncate((index + 1) as LogIndex);
    this.#applier.supersede(dropped);
    if (this.#context.commit < index) this.#context.commit = index;
    const ticket = this.#context.persist({ kind: 'base', position: state.applied, directory, keepTail });
    this.#pending = { directory, state, ticket, keepTail, phase: 'persisting' };
  }

  onPersisted(completed: Ticket): void {
    const pending = this.#pending;
    if (pending === undefined || pending.phase !== 'persisting' || completed < pending.ticket) return;
    pending.phase = 'installing';
    this.#context.persists.rebase(pending.state.applied.index);
    this.#context.emit({ kind: 'install', directory: pending.directory, state: pending.state });
  }

  installed(directory: string): void {
    const pending = this.#pending;
    if (pending === undefined || pending.directory !== directory) return;
    this.#pending = undefined;
    this.#applier.replace(pending.state);
    this.#standby.rebased(pending.state.applied.index);
    this.#tellPrimary(pending.state.applied.index);
    this.#context.notice({
      kind: 'snapshot',
      peer: this.#context.config.self,
      state: 'installed',
      index: pending.state.applied.index,
    });
  }

  #mayInstall(position: Position): boolean {
    const { role, exclusion, log } = this.#context;
    if (this.busy || role === 'primary' || exclusion !== undefined) return false;
    if (this.#applier.usable) return position.index > this.#applier.applied.index;
    // With the store lost, what the log holds beyond the snapshot is all there is of it: never drop it unjudged.
    return position.index >= log.last.index || log.termAt(position.index) !== undefined;
  }

  /** Appends were dropped meanwhile: what is committed matches any primary's log, and prompts it to go on. */
  #tellPrimary(match: LogIndex): void {
    const { primary, term, persists } = this.#context;
    if (primary === undefined) return;
    this.#context.sendAfter(persists.stateTicket, primary, { kind: 'appendMatch', term, match });
  }
}
