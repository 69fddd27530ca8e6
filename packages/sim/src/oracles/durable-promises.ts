import type { Effect, HardState, Input, LogRecord, PersistOrder, RecoveredState, Role } from '@holdfast/core';
import {
  changesNothing,
  type LogIndex,
  type NodeId,
  type PeerMessage,
  type Position,
  type Term,
  type Ticket,
  type WriteResult,
} from '@holdfast/types';
import type { Boot } from '../cluster/core-probe.ts';
import { SafetyViolation } from './safety-violation.ts';

interface Vote {
  readonly term: Term;
  readonly votedFor: NodeId | undefined;
}

/** What a core holds to be committed. */
export interface CommitView {
  readonly role: Role;
  readonly term: Term;
  readonly commit: LogIndex;
}

/** What a core holds to be durable and promised. */
export interface BeliefView {
  readonly persists: { readonly durable: LogIndex };
  readonly log: { termAt(index: LogIndex): Term | undefined };
  readonly hardState: HardState;
}

const NAME = 'durable promises';

/**
 * Nothing is promised that the loss of power on all nodes at this moment could take back (P5, P6, G8): votes, matches,
 * what is called committed, what receipts say of copies, and that a condition did not hold; nor is anything applied that
 * could be taken back (P7), nor counted for a node that it has not said of itself in this term. What is durable is what the
 * write-ahead logs have said to be so, and a log that is read again holds it, or is found to be damaged (G16).
 */
export class DurablePromises {
  readonly #disks = new Map<NodeId, DurableLog>();
  readonly #damaged = new Set<NodeId>();
  /** Damaged or replaced, and not read since: what is on them is not known. */
  readonly #unread = new Set<NodeId>();
  readonly #mustTell = new Set<NodeId>();
  readonly #storeDamaged = new Set<NodeId>();
  /** The disk may have failed in the store since it was read last. */
  readonly #failingStores = new Set<NodeId>();
  readonly #entriesDropped = new Set<NodeId>();
  /** What disks held before they were damaged or replaced: a primary cannot know that they do not any more. */
  readonly #before: { readonly node: NodeId; readonly disk: DurableLog }[] = [];
  readonly #voters: number;
  readonly #commits = new Map<NodeId, LogIndex>();
  /** Greatest match that a node has sent to another in a term. */
  readonly #said = new Map<string, number>();

  constructor(voters: number) {
    this.#voters = voters;
  }

  /**
   * Somebody has damaged or replaced this disk: what was durable on it need not be there. `mustTell`: what is left of
   * it says so, to who reads it next.
   */
  damaged(node: NodeId, how: { readonly mustTell?: boolean } = {}): void {
    this.#damaged.add(node);
    this.#unread.add(node);
    if (how.mustTell === true) this.#mustTell.add(node);
    else this.#mustTell.delete(node);
    const disk = this.#disks.get(node);
    if (disk !== undefined) this.#before.push({ node, disk });
  }

  /** Somebody has damaged the store of this node, or what was to make it durable has failed. */
  storeDamaged(node: NodeId): void {
    this.#storeDamaged.add(node);
  }

  /** The head of its log may be back, without what followed: a hole under its checkpoint. */
  entriesDropped(node: NodeId): void {
    this.#entriesDropped.add(node);
  }

  /** The disk may fail in it from now on. */
  storeMayFail(node: NodeId): void {
    this.#failingStores.add(node);
  }

  /** The disk may have failed in it since it was read last: once more, and its node may call it unreadable. */
  mayHaveFailed(node: NodeId): boolean {
    return this.#failingStores.has(node);
  }

  /** Nobody has damaged it so far. */
  isStoreSound(node: NodeId): boolean {
    return !this.#storeDamaged.has(node);
  }

  onRecovered({ node }: Boot, recovered: RecoveredState): void {
    const found = new DurableLog(recovered);
    const before = this.#disks.get(node);
    this.#disks.set(node, found);
    this.#unread.delete(node);
    this.#commits.delete(node);
    if (recovered.storeUsable) this.#failingStores.delete(node);
    if (before === undefined) return;
    const lost = before.lostIn(found);
    if (this.#damaged.has(node)) {
      if (lost !== undefined && this.#mustTell.delete(node) && !tellsOfDamage(recovered))
        throw new SafetyViolation(
          NAME,
          `${node} has lost ${lost} by damage to its log, and takes it for whole`,
        );
      return;
    }
    if (lost !== undefined)
      throw new SafetyViolation(NAME, `${node} has read its disk, and ${lost} that was durable is not there`);
    if (!recovered.storeUsable && !this.#storeDamaged.has(node))
      throw new SafetyViolation(
        NAME,
        `the log of ${node} does not bring up its store, and neither is damaged`,
      );
    const { exclusion, holes } = recovered.log;
    // Of a store that cannot be used no checkpoint is known: the hole may have been under the one that it had.
    const mayBeUnder = this.#entriesDropped.has(node);
    const told = holes.filter((hole) => !mayBeUnder || (recovered.storeUsable && isNeeded(hole, recovered)));
    if (told.length > 0 || exclusion === 'hard-state-lost')
      throw new SafetyViolation(NAME, `${node} takes a sound log for damaged`);
  }

  /** Nodes whose disks hold it, as far as that is known. */
  holders(position: Position): NodeId[] {
    return [...this.#disks].flatMap(([node, disk]) =>
      !this.#unread.has(node) && disk.holds(position) ? [node] : [],
    );
  }

  /** The loss of power on all nodes leaves it on a majority, as far as nobody damages their disks. */
  isSafe(position: Position): boolean {
    return this.#countWhere((disk) => disk.holds(position)) > this.#voters / 2;
  }

  onStep({ node }: Boot, input: Input, effects: readonly Effect[]): void {
    const disk = this.#disks.get(node)!;
    if (input.kind === 'persisted') disk.persisted(input.ticket);
    for (const effect of effects) {
      if (effect.kind === 'persist') disk.ordered(effect.order);
      if (effect.kind === 'send') {
        checkMessage(node, disk, effect.to, effect.message);
        this.#note(node, effect.to, effect.message);
      }
      if (effect.kind === 'apply') checkApplied(node, disk, effect.entries);
      if (effect.kind === 'install' && disk.base < effect.state.applied.index)
        throw new SafetyViolation(
          NAME,
          `${node} puts a snapshot up to ${effect.state.applied.index} in use, and no durable frame names it`,
        );
      if (effect.kind !== 'reply') continue;
      for (const reply of effect.replies)
        if (reply.kind === 'receipt') this.#checkReceipt(node, disk, reply.receipt);
    }
  }

  /** What a core takes for durable is, and its term and vote are those that it has promised. */
  onBelief({ node }: Boot, { persists, log, hardState }: BeliefView): void {
    const disk = this.#disks.get(node)!;
    const { term, votedFor } = disk.vote;
    const isOther = hardState.term === term && votedFor !== undefined && hardState.votedFor !== votedFor;
    if (hardState.term < term || isOther)
      throw new SafetyViolation(
        NAME,
        `${node} is in term ${hardState.term}, voted for ${hardState.votedFor ?? 'nobody'}, and has promised ` +
          `term ${term} and its vote to ${votedFor ?? 'nobody'}`,
      );
    const index = persists.durable;
    const entryTerm = log.termAt(index);
    // A snapshot that is being taken in stands for what the log had there.
    if (entryTerm === undefined || disk.isRebasing || disk.hasHoleAt(index)) return;
    if (disk.holds({ index, term: entryTerm })) return;
    throw new SafetyViolation(NAME, `${node} takes ${index}@${entryTerm} for durable, which is not`);
  }

  /** What a primary counts for another node, that node has said in this term. */
  onCount(
    { node }: Boot,
    counts: { readonly term: Term; readonly peer: NodeId; readonly match: LogIndex },
  ): void {
    const { term, peer, match } = counts;
    const said = this.#said.get(nameOf({ peer, to: node, term })) ?? 0;
    if (match > said)
      throw new SafetyViolation(
        NAME,
        `${node} counts ${match} for ${peer} in term ${term}, which has said ${said} in it`,
      );
  }

  /** After each step. What a primary commits is durable on a majority, as an entry of its own term (Raft §5.4.2). */
  onCommit({ node }: Boot, { role, term, commit }: CommitView): void {
    const before = this.#commits.get(node) ?? commit;
    this.#commits.set(node, commit);
    if (role !== 'primary' || commit <= before) return;
    const copies = this.#countWhere((disk) => disk.termAt(commit) === term);
    if (copies < Math.floor(this.#voters / 2) + 1)
      throw new SafetyViolation(
        NAME,
        `${node} commits ${commit} in term ${term}; ${copies} have it durable as an entry of that term`,
      );
  }

  #note(node: NodeId, to: NodeId, message: PeerMessage): void {
    if (message.kind !== 'appendMatch') return;
    const name = nameOf({ peer: node, to, term: message.term });
    this.#said.set(name, Math.max(this.#said.get(name) ?? 0, message.match));
  }

  /** Nodes whose disks are so, or were before they were damaged. */
  #countWhere(isSo: (disk: DurableLog) => boolean): number {
    const nodes = new Set<NodeId>();
    for (const [node, disk] of this.#disks) if (isSo(disk)) nodes.add(node);
    for (const { node, disk } of this.#before) if (isSo(disk)) nodes.add(node);
    return nodes.size;
  }

  #checkReceipt(
    node: NodeId,
    disk: DurableLog,
    receipt: Position & { readonly ack: string; readonly copies: number; readonly result: WriteResult },
  ): void {
    const { index, term, ack, result } = receipt;
    const copies = this.#countWhere((each) => each.holds(receipt));
    const majority = Math.floor(this.#voters / 2) + 1;
    // What did not hold is told once it is committed, whatever level was asked (G8).
    const told = changesNothing(result) ? majority : 1;
    const due = ack === 'all' ? this.#voters : ack === 'quorum' ? majority : told;
    if (copies < Math.max(due, receipt.copies))
      throw new SafetyViolation(
        NAME,
        `${node} acknowledges ${index}@${term} at ${ack} with ${receipt.copies} copies; ${copies} are durable, and ${Math.max(due, receipt.copies)} due`,
      );
    if (ack === 'local' && !disk.holds(receipt))
      throw new SafetyViolation(NAME, `${node} acknowledges ${index}@${term}, which is not durable there`);
  }
}

function nameOf(said: { readonly peer: NodeId; readonly to: NodeId; readonly term: Term }): string {
  return `${said.peer} ${said.to} ${said.term}`;
}

function isNeeded({ to }: { readonly to: LogIndex }, { store }: RecoveredState): boolean {
  return to > store.checkpoint.index;
}

function tellsOfDamage({ log, storeUsable }: RecoveredState): boolean {
  return log.holes.length > 0 || log.exclusion !== undefined || !storeUsable;
}

function checkApplied(node: NodeId, disk: DurableLog, entries: readonly Position[]): void {
  const early = entries.find((entry) => !disk.holds(entry));
  if (early !== undefined)
    throw new SafetyViolation(
      NAME,
      `${node} applies ${early.index}@${early.term}, which is not durable there`,
    );
}

function checkMessage(node: NodeId, disk: DurableLog, to: NodeId, message: PeerMessage): void {
  const { term, votedFor } = disk.vote;
  const promises = (isKept: boolean, what: string): void => {
    if (!isKept)
      throw new SafetyViolation(NAME, `${node} ${what} in term ${(message as { term: Term }).term}`);
  };
  switch (message.kind) {
    case 'vote':
      promises(term === message.term && votedFor === node, 'stands before its own vote is durable');
      break;
    case 'voteReply':
      if (message.granted)
        promises(term === message.term && votedFor === to, `votes for ${to} before that is durable`);
      break;
    case 'append':
    case 'heartbeat':
    case 'heartbeatReply':
      promises(term >= message.term, 'speaks before that term is durable');
      break;
    case 'appendMatch':
      promises(term >= message.term, 'answers before that term is durable');
      promises(message.match <= disk.last, `answers for ${message.match} and has ${disk.last} durable`);
      break;
    default:
  }
}

/** What is on the stable storage of one node, as far as its log has said. */
class DurableLog {
  vote: Vote;
  /** By index. */
  readonly #terms = new Map<number, Term>();
  /** Below it everything is in a checkpoint or a snapshot. */
  #first: number;
  #last: number;
  #orders: PersistOrder[] = [];

  /** What recovery found it has made durable before it said so. */
  constructor(recovered: RecoveredState) {
    const { log } = recovered;
    this.vote = { term: log.hardState.term, votedFor: log.hardState.votedFor };
    // Nobody reads what is below a hole under the checkpoint.
    const under = log.holes.filter((hole) => !isNeeded(hole, recovered)).at(-1);
    this.#first = Math.max(log.first, (under?.to ?? 0) + 1);
    this.#last = log.last.index;
    for (const [place, { index, term }] of log.termRuns.entries()) {
      const end = log.termRuns[place + 1]?.index ?? log.last.index + 1;
      for (let at: number = index; at < end; at += 1) this.#terms.set(at, term);
    }
    for (const { from, to } of log.holes)
      for (let at: number = from; at <= to; at += 1) this.#terms.delete(at);
  }

  get last(): number {
    return this.#last;
  }

  /** All up to here is in a checkpoint or a snapshot that a durable frame names. */
  get base(): number {
    return this.#first - 1;
  }

  /** A snapshot is to take the place of the log, or of a part of it, and that is not durable yet. */
  get isRebasing(): boolean {
    return this.#orders.some(({ record }) => record.kind === 'base');
  }

  holds({ index, term }: Position): boolean {
    return index < this.#first || this.#terms.get(index) === term;
  }

  termAt(index: LogIndex): Term | undefined {
    return this.#terms.get(index);
  }

  /** It knows that it has lost what was there. */
  hasHoleAt(index: LogIndex): boolean {
    return index >= this.#first && index <= this.#last && !this.#terms.has(index);
  }

  /** What was durable here and is not in what was read back. Orders that were under way may have got there. */
  lostIn(found: DurableLog): string | undefined {
    const { term, votedFor } = this.vote;
    if (found.vote.term < term) return `term ${term}`;
    if (found.vote.term === term && votedFor !== undefined && found.vote.votedFor !== votedFor)
      return `the vote for ${votedFor} in term ${term}`;
    const cutFrom = Math.min(...this.#orders.map(({ record }) => firstReplaced(record)));
    for (const [index, entryTerm] of this.#terms)
      if (index < cutFrom && !found.holds({ index: index as LogIndex, term: entryTerm }))
        return `${index}@${entryTerm}`;
    return undefined;
  }

  ordered(order: PersistOrder): void {
    this.#orders.push(order);
  }

  persisted(ticket: Ticket): void {
    for (
      let order = this.#orders[0];
      order !== undefined && order.ticket <= ticket;
      order = this.#orders[0]
    ) {
      this.#orders.shift();
      this.vote = { term: order.hardState.term, votedFor: order.hardState.votedFor };
      this.#write(order.record);
    }
  }

  #write(record: LogRecord): void {
    if (record.kind === 'base') {
      this.#first = Math.max(this.#first, record.position.index + 1);
      if (!record.keepTail) this.#cut(record.position.index + 1);
      this.#last = Math.max(this.#last, record.position.index);
    } else if (record.kind === 'entries' || record.kind === 'repair') {
      const [first] = record.entries;
      if (first !== undefined && record.kind === 'entries') this.#cut(first.index);
      for (const { index, term } of record.entries) {
        this.#terms.set(index, term);
        this.#last = Math.max(this.#last, index);
      }
    }
  }

  #cut(from: number): void {
    for (let at = from; at <= this.#last; at += 1) this.#terms.delete(at);
    this.#last = Math.min(this.#last, from - 1);
  }
}

/** What lies at or above it a record may replace. */
function firstReplaced(record: LogRecord): number {
  if (record.kind === 'base') return record.keepTail ? Infinity : 0;
  return record.kind === 'entries' ? (record.entries[0]?.index ?? Infinity) : Infinity;
}
