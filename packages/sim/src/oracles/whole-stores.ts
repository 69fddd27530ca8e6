import type { Effect, Input, RecoveredState } from '@holdfast/core';
import { type InspectedStore, inspectStore } from '@holdfast/store';
import { type Entry, keyText, type LogIndex, mutationsOf, type SessionId } from '@holdfast/types';
import type { Boot } from '../cluster/core-probe.ts';
import { SafetyViolation } from './safety-violation.ts';

/** What a database holds, as it is in LevelDB. */
export interface HeldRecords {
  operations(): Iterable<{ readonly key: Uint8Array; readonly value: Uint8Array }>;
}

interface Change {
  readonly index: LogIndex;
  /** Undefined: a delete. */
  readonly revision: number | undefined;
}

interface Lifetime {
  readonly opened: LogIndex;
  readonly closed: LogIndex;
}

const NAME = 'whole stores';
const NEVER = Number.MAX_SAFE_INTEGER as LogIndex;

/**
 * A store that is read again holds all up to the checkpoint from which its node goes on, each key as of then or later
 * (faults 43 and 44); a snapshot brings the sessions that were open (fault 34); and a log lets go of nothing above the
 * checkpoint of its store (fault 31).
 */
export class WholeStores {
  /** By key, as latin1 text; oldest first. */
  readonly #changes = new Map<string, Change[]>();
  readonly #sessions = new Map<SessionId, Lifetime>();
  /** Newest entry that anybody has applied. */
  #applied = 0 as LogIndex;

  onEffect(effect: Effect): void {
    if (effect.kind !== 'apply') return;
    for (const entry of effect.entries) if (entry.index > this.#applied) this.#take(entry);
  }

  /** `held`: what its store has read back. */
  onRecovered({ node }: Boot, { store }: RecoveredState, held: HeldRecords): void {
    const { index } = store.checkpoint;
    this.#checkSessions(`${node} goes on from ${index}`, store.sessions, { from: index, to: NEVER });
    const { records } = inspectStore(held.operations());
    const revisions = new Map<string, number>();
    for (const { key, record } of records) revisions.set(keyText(key), record.revision);
    for (const [key, changes] of this.#changes) {
      const found = revisions.get(key);
      if (isAsOf(index, changes, found)) continue;
      throw new SafetyViolation(
        NAME,
        `${node} goes on from ${index}, and its store has ${JSON.stringify(key)} at revision ${found ?? 'none'}`,
      );
    }
  }

  /** `stores`: the databases that the node has open. */
  onStep({ node }: Boot, input: Input, stores: readonly HeldRecords[]): void {
    if (input.kind === 'snapshotReceived') {
      const { applied, sessions } = input.state;
      const { index } = applied;
      this.#checkSessions(`${node} has a snapshot up to ${index}`, sessions, { from: index, to: index });
    }
    if (input.kind !== 'headRemoved' || stores.length === 0) return;
    const checkpoints = stores.map((held) => inspectedOf(held)?.checkpoint.index ?? NEVER);
    const checkpoint = Math.max(...checkpoints);
    if (input.below > checkpoint + 1)
      throw new SafetyViolation(
        NAME,
        `${node} lets its log go below ${input.below}, with a checkpoint of its store at ${checkpoint}`,
      );
  }

  /** Open from the one index to the other: they have to be there. */
  #checkSessions(
    who: string,
    sessions: RecoveredState['store']['sessions'],
    { from, to }: { readonly from: LogIndex; readonly to: LogIndex },
  ): void {
    const found = new Set(sessions.map(({ id }) => id));
    for (const [id, { opened, closed }] of this.#sessions)
      if (opened <= from && (closed > to || closed === NEVER) && !found.has(id))
        throw new SafetyViolation(NAME, `${who} without session ${id}, opened at ${opened}`);
  }

  #take(entry: Entry): void {
    const { index, term, body } = entry;
    this.#applied = index;
    if (body.kind !== 'requests') return;
    let revision: number = entry.firstRevision;
    body.requests.forEach((request, ordinal) => {
      if (request.kind === 'openSession')
        this.#sessions.set(`${term}.${index}.${ordinal}` as SessionId, { opened: index, closed: NEVER });
      if (request.kind === 'closeSession') {
        const known = this.#sessions.get(request.session);
        if (known !== undefined) this.#sessions.set(request.session, { ...known, closed: index });
      }
      for (const mutation of mutationsOf(request)) {
        const change = { index, revision: mutation.kind === 'put' ? revision : undefined };
        const name = keyText(mutation.key);
        const changes = this.#changes.get(name);
        if (changes === undefined) this.#changes.set(name, [change]);
        else changes.push(change);
        revision += 1;
      }
    });
  }
}

/** What was there at that index, or is there since a later one. */
function isAsOf(index: LogIndex, changes: readonly Change[], found: number | undefined): boolean {
  const place = changes.findLastIndex((change) => change.index <= index);
  if (found === changes[place]?.revision) return true;
  return changes.slice(place + 1).some(({ revision }) => revision === found);
}

/** Undefined: a part of it cannot be read. */
function inspectedOf(held: HeldRecords): InspectedStore | undefined {
  try {
    return inspectStore(held.operations());
  } catch {
    return undefined;
  }
}
