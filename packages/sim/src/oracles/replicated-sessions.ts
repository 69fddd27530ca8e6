import type { Effect, RecoveredState } from '@holdfast/core';
import type { Entry, NodeId, SessionId, SessionRecord } from '@holdfast/types';
import type { Boot } from '../cluster/core-probe.ts';
import { SafetyViolation } from './safety-violation.ts';

/**
 * What is remembered of a session follows from the log alone: all nodes that apply an entry of it hold the same of it
 * then, whether they applied all before that or had a snapshot (fault 34).
 */
export class ReplicatedSessions {
  /** By session and the newest entry of it: the record, and who came to it first. */
  readonly #known = new Map<string, { readonly record: string; readonly by: string }>();
  /** Up to here a node only repeats what its store has seen, over records that may be newer. */
  readonly #repeatsTo = new Map<NodeId, number>();

  onRecovered({ node }: Boot, { store }: RecoveredState): void {
    this.#repeatsTo.set(node, store.applied.index);
  }

  onEffect({ node, number }: Boot, effect: Effect): void {
    if (effect.kind !== 'apply') return;
    const records = new Map(effect.sessions.map((record) => [record.id, record]));
    for (const [session, index] of newestOf(effect.entries)) {
      if (index <= (this.#repeatsTo.get(node) ?? 0)) continue;
      const record = textOf(records.get(session));
      const by = `${node} (run ${number})`;
      const name = `${session} ${index}`;
      const known = this.#known.get(name);
      if (known === undefined) this.#known.set(name, { record, by });
      else if (known.record !== record)
        throw new SafetyViolation(
          'replicated sessions',
          `at ${index} ${known.by} holds ${known.record} of session ${session}, and ${by} ${record}`,
        );
    }
  }
}

/** The newest entry that writes under each session. */
function newestOf(entries: readonly Entry[]): Map<SessionId, number> {
  const newest = new Map<SessionId, number>();
  for (const { index, body } of entries)
    if (body.kind === 'requests')
      for (const request of body.requests) {
        if (request.kind === 'write') newest.set(request.session, index);
        else if (request.kind === 'closeSession') newest.delete(request.session);
      }
  return newest;
}

function textOf(record: SessionRecord | undefined): string {
  return record === undefined ? 'nothing' : inOrder(record);
}

/**
 * What was read back from a store need not list its fields in the order in which it was made, nor hold bytes as the class in
 * which they were.
 */
function inOrder(value: unknown): string {
  if (typeof value !== 'object' || value === null) return JSON.stringify(value) ?? 'undefined';
  if (value instanceof Uint8Array)
    return `bytes ${Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString('hex')}`;
  if (Array.isArray(value)) return `[${value.map(inOrder).join()}]`;
  const fields = value as Readonly<Record<string, unknown>>;
  const names = Object.keys(fields)
    .filter((name) => fields[name] !== undefined)
    .sort();
  return `{${names.map((name) => `${JSON.stringify(name)}:${inOrder(fields[name])}`).join()}}`;
}
