import type { Effect, Input } from '@holdfast/core';
import type { LogIndex, NodeId, PeerMessage, Position, Term } from '@holdfast/types';
import type { Boot } from '../cluster/core-probe.ts';
import { SafetyViolation } from './safety-violation.ts';

/** What is looked at of a core. */
export interface ReadingCore {
  /** Undefined: it is no primary. */
  readonly office: object | undefined;
  readonly context: {
    readonly term: Term;
    readonly commit: LogIndex;
    readonly log: { termAt(index: LogIndex): Term | undefined };
  };
  readonly applier: { readonly applied: Position };
}

interface Office {
  readonly term: Term;
  steps: number;
  /** By round: the step in which it was begun. */
  readonly begun: Map<number, number>;
  /** By peer: the step in which the newest round was begun that it has answered. */
  readonly answered: Map<NodeId, number>;
  /** By read: the step in which it was asked. */
  readonly asked: Map<string, number>;
}

/** Rounds that are older are not answered any more. */
const ROUNDS_MAX = 2000;
const NAME = 'confirmed reads';

/**
 * A primary answers a linearizable read once a majority has answered a round that was begun after it was asked, and has
 * applied an entry of its own term by then (Raft §6.4; faults 13, 51 and 52).
 */
export class ConfirmedReads {
  readonly #majority: number;
  readonly #offices = new Map<NodeId, Office>();

  constructor(voters: number) {
    this.#majority = Math.floor(voters / 2) + 1;
  }

  onRecovered({ node }: Boot): void {
    this.#offices.delete(node);
  }

  /** `core`: as the step has left it. */
  onStep({ node }: Boot, input: Input, effects: readonly Effect[], core: ReadingCore): void {
    const { term } = core.context;
    if (core.office === undefined) {
      this.#offices.delete(node);
      return;
    }
    const office = this.#officeOf(node, term);
    office.steps += 1;
    noteAsked(office, input);
    // Of this step's own rounds nobody has answered one yet.
    for (const effect of effects)
      if (effect.kind === 'send' && effect.message.kind === 'heartbeat')
        noteRound(office, effect.message.round);
    if (input.kind === 'message' && input.message.kind === 'heartbeatReply')
      noteAnswer(office, input.from, input.message);
    for (const effect of effects) {
      if (effect.kind === 'refuseReads') for (const { id } of effect.reads) office.asked.delete(own(id));
      if (effect.kind === 'serve')
        for (const { id } of effect.reads)
          this.#checkRead(node, office, { name: own(id), reached: core.applier.applied.term });
      if (effect.kind !== 'send' || effect.message.kind !== 'readIndexReply') continue;
      const { id, index } = effect.message;
      const name = asked(effect.to, id);
      if (index === undefined) office.asked.delete(name);
      else
        this.#checkRead(node, office, {
          name,
          reached: core.context.log.termAt(core.context.commit) ?? term,
        });
    }
  }

  #officeOf(node: NodeId, term: Term): Office {
    const known = this.#offices.get(node);
    if (known?.term === term) return known;
    const office = { term, steps: 0, begun: new Map(), answered: new Map(), asked: new Map() };
    this.#offices.set(node, office);
    return office;
  }

  /** `reached`: term of the newest entry that it rests on. */
  #checkRead(node: NodeId, office: Office, read: { readonly name: string; readonly reached: Term }): void {
    const since = office.asked.get(read.name);
    if (since === undefined) return;
    office.asked.delete(read.name);
    if (read.reached < office.term)
      throw new SafetyViolation(
        NAME,
        `${node} answers a linearizable read in term ${office.term} from what was committed in term ${read.reached}`,
      );
    let loyal = 1;
    for (const begunAt of office.answered.values()) if (begunAt >= since) loyal += 1;
    if (loyal < this.#majority)
      throw new SafetyViolation(
        NAME,
        `${node} answers a linearizable read of term ${office.term}: ${loyal} of ${this.#majority} were asked since it came`,
      );
  }
}

function noteAsked(office: Office, input: Input): void {
  if (input.kind === 'read')
    for (const { id, consistency } of input.reads)
      if (consistency === 'linearizable') office.asked.set(own(id), office.steps);
  if (input.kind === 'cancelRead') office.asked.delete(own(input.id));
  if (input.kind !== 'message' || input.message.kind !== 'readIndex') return;
  // What arrives twice may be answered by what confirms the first.
  const name = asked(input.from, input.message.id);
  if (!office.asked.has(name)) office.asked.set(name, office.steps);
}

function noteRound({ begun, steps }: Office, round: number): void {
  if (begun.has(round)) return;
  begun.set(round, steps);
  begun.delete(round - ROUNDS_MAX);
}

function noteAnswer(
  { term, begun, answered }: Office,
  from: NodeId,
  message: Extract<PeerMessage, { kind: 'heartbeatReply' }>,
): void {
  const begunAt = message.term === term ? begun.get(message.round) : undefined;
  if (begunAt !== undefined && begunAt > (answered.get(from) ?? -1)) answered.set(from, begunAt);
}

function own(id: number): string {
  return String(id);
}

function asked(from: NodeId, id: number): string {
  return `${from} ${id}`;
}
