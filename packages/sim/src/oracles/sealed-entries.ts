import type { Effect, Input, ProposedWrite } from '@holdfast/core';
import {
  type Condition,
  type Entry,
  type EntryRequest,
  keyText,
  type NodeId,
  type Position,
  REVISION_GAP,
  type Term,
} from '@holdfast/types';
import type { Boot } from '../cluster/core-probe.ts';
import { LoggedState } from './logged-state.ts';
import { SafetyViolation } from './safety-violation.ts';
import { problemOfClear } from './sealed-clears.ts';

/** What is looked at of a core. */
export interface SealingCore {
  /** Undefined: it is no primary. */
  readonly office: object | undefined;
  readonly context: { readonly term: Term; readonly log: { readonly last: Position } };
}

type LoggedWrite = Extract<EntryRequest, { kind: 'write' }>;

/** What the log of a primary comes to. */
interface Sealed {
  readonly term: Term;
  readonly state: LoggedState;
}

const NAME = 'sealed entries';

/**
 * What a primary seals follows from its own log, whatever of that is committed yet: each call is logged once, under a
 * session that is open (G5), conditions, counters and clears are held against all that was logged before (G8), and an
 * opening entry leaves a gap of revisions (G13).
 */
export class SealedEntries {
  /** By position, of any log there ever was. */
  readonly #entries = new Map<string, Entry>();
  /** By session and sequence. */
  readonly #asked = new Map<string, ProposedWrite>();
  readonly #offices = new Map<NodeId, Sealed>();

  onRecovered({ node }: Boot): void {
    this.#offices.delete(node);
  }

  /** `core`: as the step has left it. */
  onStep({ node }: Boot, input: Input, effects: readonly Effect[], { office, context }: SealingCore): void {
    if (input.kind === 'propose')
      for (const request of input.requests)
        this.#asked.set(callName(input.session, request.sequence), request);
    if (office === undefined) this.#offices.delete(node);
    for (const effect of effects) {
      if (effect.kind !== 'persist' || effect.order.record.kind !== 'entries') continue;
      for (const entry of effect.order.record.entries) {
        if (office !== undefined && entry.term === context.term) this.#sealed(node, entry);
        this.#entries.set(placeName(entry), entry);
      }
    }
  }

  #sealed(node: NodeId, entry: Entry): void {
    let sealed = this.#offices.get(node);
    if (sealed?.term !== entry.term) {
      const state = this.#stateBefore(entry);
      if (state === undefined) return;
      sealed = { term: entry.term, state };
      this.#offices.set(node, sealed);
    }
    const { state } = sealed;
    const by = `${node} seals ${placeName(entry)}`;
    if (entry.body.kind === 'opening') checkGap(by, entry, state);
    state.apply(entry, (request) => {
      if (request.kind === 'write') this.#checkWrite(by, request, state);
    });
  }

  #checkWrite(by: string, request: LoggedWrite, state: LoggedState): void {
    const call = callName(request.session, request.sequence);
    const logged = state.sessions.get(request.session);
    if (logged === undefined)
      throw new SafetyViolation(NAME, `${by} with call ${call}, whose session is not open in its log`);
    if (logged.has(request.sequence))
      throw new SafetyViolation(NAME, `${by} with call ${call}, which is in its log already`);
    const asked = this.#asked.get(call);
    if (asked !== undefined) checkOutcome(`${by}, where call ${call}`, request, asked, state);
  }

  /** Undefined: the log reaches back to what nobody was seen to log. */
  #stateBefore(entry: Entry): LoggedState | undefined {
    const before: Entry[] = [];
    for (let at = entry; at.index > 1; ) {
      const found = this.#entries.get(placeName({ index: at.index - 1, term: at.previousTerm }));
      if (found === undefined) return undefined;
      before.push(found);
      at = found;
    }
    const state = new LoggedState();
    for (const each of before.reverse()) state.apply(each);
    return state;
  }
}

function checkGap(by: string, { firstRevision }: Entry, { lastRevision }: LoggedState): void {
  if (firstRevision <= lastRevision + REVISION_GAP)
    throw new SafetyViolation(NAME, `${by} at revision ${firstRevision}, too close to ${lastRevision}`);
}

function checkOutcome(by: string, request: LoggedWrite, asked: ProposedWrite, state: LoggedState): void {
  if (asked.clear !== undefined) {
    const problem = problemOfClear(request, asked.clear, state);
    if (problem !== undefined) throw new SafetyViolation(NAME, `${by} is a clear, which ${problem}`);
    return;
  }
  const { result } = request;
  if (result.kind === 'resultTooLarge' || result.kind === 'notAnInteger') return;
  const failed = asked.conditions.some((condition) => !holds(condition, state));
  const isRefused = result.kind === 'conflict' || (result.kind === 'transaction' && result.branch === 'else');
  if (failed !== isRefused)
    throw new SafetyViolation(
      NAME,
      `${by} ${isRefused ? 'is refused' : 'is taken'}, and ${failed ? 'a condition fails' : 'its conditions hold'}`,
    );
  const [operation] = asked.operations;
  if (result.kind !== 'counter' || operation?.kind !== 'increment') return;
  const record = state.records.get(keyText(operation.key));
  const due = Number(record === undefined ? 0 : Buffer.from(record.value).toString()) + operation.by;
  if (result.value !== due)
    throw new SafetyViolation(NAME, `${by} makes a counter ${result.value}; ${due} was due`);
}

function holds(condition: Condition, { records }: LoggedState): boolean {
  const record = records.get(keyText(condition.key));
  switch (condition.kind) {
    case 'revision':
      return (record?.revision ?? 0) === condition.revision;
    case 'absent':
      return record === undefined;
    case 'atMost':
      return (record?.revision ?? 0) <= condition.revision;
    case 'present':
      return record !== undefined;
    case 'value':
      return record !== undefined && Buffer.compare(record.value, condition.value) === 0;
    default:
      throw new TypeError('an unknown condition');
  }
}

function placeName({ index, term }: { readonly index: number; readonly term: number }): string {
  return `${index}@${term}`;
}

function callName(session: string, sequence: number): string {
  return `${session}/${sequence}`;
}
