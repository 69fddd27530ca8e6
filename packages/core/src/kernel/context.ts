import {
  assert,
  type Exclusion,
  type Genesis,
  type LogIndex,
  type NodeId,
  type PeerMessage,
  type Position,
  type Term,
  type Ticket,
  type WireError,
} from '@holdfast/types';
import type {
  ClientReply,
  CoreConfig,
  Effect,
  HardState,
  LogRecord,
  Notice,
  RecoveredState,
  Role,
} from '../api.ts';
import type { Log } from '../log/log.ts';
import { Outbox } from '../log/outbox.ts';
import type { PersistQueue } from '../log/persist-queue.ts';
import type { Link } from './link.ts';
import { RunNames } from './run-names.ts';
import { SeededRandom } from './seeded-random.ts';
import { Shedding } from './shedding.ts';

/** Newest index that log and store prove to be committed. */
export function committedIn({ log, store }: RecoveredState): LogIndex {
  return Math.max(log.commitFloor, store.applied.index, log.base.index) as LogIndex;
}

/**
 * What every part of the core shares: term and vote, the log, what is durable and committed, and the effects of
 * the step under way. It decides nothing.
 */
export class Context {
  readonly config: CoreConfig;
  readonly random: SeededRandom;
  readonly runNames: RunNames;
  readonly log: Log;
  readonly persists: PersistQueue;
  readonly links: Map<NodeId, Link> = new Map();
  readonly others: readonly NodeId[];
  readonly outbox: Outbox = new Outbox();
  readonly shedding: Shedding;
  /** Monotonic, of the input being handled, ms. */
  now: number;
  hardState: HardState;
  /** Known committed. Never goes down. */
  commit: LogIndex;
  genesis: Genesis | undefined;
  /** What makes it durable; 0 for one that was recovered. */
  genesisTicket: Ticket = 0 as Ticket;
  exclusion: Exclusion | undefined;
  role: Role;
  primary: NodeId | undefined;
  #nextLoad = 1;
  #effects: Effect[] = [];
  #replies = new Map<number, ClientReply[]>();

  constructor(
    config: CoreConfig,
    recovered: RecoveredState,
    parts: { readonly log: Log; readonly persists: PersistQueue; readonly now: number },
  ) {
    this.config = config;
    this.random = new SeededRandom(config.seed);
    this.runNames = new RunNames(config.seed);
    this.log = parts.log;
    this.persists = parts.persists;
    this.now = parts.now;
    this.hardState = recovered.log.hardState;
    // A log that ends before what is known to be committed is damaged: the core then excludes this node.
    this.commit = Math.min(committedIn(recovered), recovered.log.last.index) as LogIndex;
    this.genesis = recovered.log.genesis;
    this.exclusion = recovered.log.exclusion;
    this.role = 'standby';
    this.shedding = new Shedding(config.limits, parts.now);
    this.others = config.voters.filter((voter) => voter !== config.self);
    for (const peer of this.others) {
      this.links.set(peer, {
        up: false,
        boot: undefined,
        disk: undefined,
        cluster: undefined,
        voters: [],
        exclusion: undefined,
      });
    }
  }

  get term(): Term {
    return this.hardState.term;
  }

  /** The genesis that others may hear of: a node that forgot it would make or adopt another. */
  get durableGenesis(): Genesis | undefined {
    return this.genesisTicket <= this.persists.completed ? this.genesis : undefined;
  }

  /** Load orders of every part share one numbering. */
  newLoadId(): number {
    return this.#nextLoad++;
  }

  emit(effect: Effect): void {
    this.#effects.push(effect);
  }

  notice(notice: Notice): void {
    this.#effects.push({ kind: 'notice', notice });
  }

  send(to: NodeId, message: PeerMessage): void {
    this.#effects.push({ kind: 'send', to, message });
  }

  /** Sends once everything up to `ticket` is durable; dies with the term (P5, P9). */
  sendAfter(ticket: Ticket, to: NodeId, message: PeerMessage): void {
    if (ticket <= this.persists.completed) this.send(to, message);
    else this.outbox.hold({ ticket, to, message });
  }

  broadcast(message: PeerMessage): void {
    for (const peer of this.others) if (this.links.get(peer)!.up) this.send(peer, message);
  }

  reply(connection: number, reply: ClientReply): void {
    const replies = this.#replies.get(connection);
    if (replies === undefined) this.#replies.set(connection, [reply]);
    else replies.push(reply);
  }

  replyError(connection: number, id: number, error: WireError): void {
    this.reply(connection, { id, kind: 'error', error });
  }

  /** One record, one frame: term and vote go with it, as does the commit floor (P3, P4). */
  persist(record: LogRecord, options: { readonly changesState: boolean } = { changesState: false }): Ticket {
    const entries = record.kind === 'entries' ? record.entries : [];
    const first = (entries[0]?.index ?? 0) as LogIndex;
    const last = (entries.at(-1)?.index ?? 0) as LogIndex;
    const ticket = this.persists.issue({ now: this.now, first, last, changesState: options.changesState });
    this.emit({
      kind: 'persist',
      order: { ticket, record, hardState: this.hardState, commitFloor: this.commit, last: this.log.last },
    });
    return ticket;
  }

  /** Terms never go back; one vote per term. */
  setHardState(state: HardState): Ticket {
    assert(state.term >= this.term, `term ${state.term} after ${this.term}`);
    assert(
      state.term > this.term ||
        this.hardState.votedFor === undefined ||
        this.hardState.votedFor === state.votedFor,
      `second vote in term ${state.term}`,
    );
    if (state.term > this.term) this.outbox.clear();
    this.hardState = state;
    return this.persist({ kind: 'entries', entries: [] }, { changesState: true });
  }

  /** Refuses to move backwards; the caller has capped it to what may be believed. */
  advanceCommit(index: LogIndex): boolean {
    if (index <= this.commit) return false;
    assert(index <= this.log.last.index, `commit ${index} beyond the log's end ${this.log.last.index}`);
    this.commit = index;
    return true;
  }

  isUpToDate(last: Position): boolean {
    const own = this.log.last;
    return last.term > own.term || (last.term === own.term && last.index >= own.index);
  }

  takeEffects(): Effect[] {
    if (this.#replies.size > 0) {
      for (const [connection, replies] of this.#replies)
        this.#effects.push({ kind: 'reply', connection, replies });
      // A new one: what a cleared map held lives on for a while (see TransientMap).
      this.#replies = new Map();
    }
    const effects = this.#effects;
    this.#effects = [];
    return effects;
  }
}
