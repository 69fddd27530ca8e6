import type { Effect, Input, LogRecord } from '@holdfast/core';
import { assertNever } from '@holdfast/types';
import type { Boot } from './core-probe.ts';
import type { Trace } from './trace.ts';

/** Writes down what a core orders and learns: persists, what is durable, applies, notices and the rest in short. */
export function traceStep(trace: Trace, { node }: Boot, input: Input, effects: readonly Effect[]): void {
  const learned = inputText(input);
  if (learned !== undefined) trace.record(`${node} ${learned}`);
  for (const effect of effects) {
    const ordered = effectText(effect);
    if (ordered !== undefined) trace.record(`${node} ${ordered}`);
  }
}

/** Undefined for what is seen elsewhere (messages) or says little (ticks). */
function inputText(input: Input): string | undefined {
  switch (input.kind) {
    case 'persisted':
      return `has ticket ${input.ticket} durable`;
    case 'linkUp':
      return `link to ${input.peer} is up`;
    case 'linkDown':
      return `link to ${input.peer} is ${input.cause}`;
    case 'snapshotReceived':
      return `received the snapshot in ${input.directory}`;
    case 'installed':
      return `installed the snapshot in ${input.directory}`;
    case 'headRemoved':
      return `lets go of its log below ${input.below}`;
    case 'order':
      return `is ordered: ${JSON.stringify(input.order)}`;
    default:
      return undefined;
  }
}

function effectText(effect: Effect): string | undefined {
  switch (effect.kind) {
    case 'persist': {
      const { ticket, record, hardState, commitFloor } = effect.order;
      const vote = hardState.votedFor === undefined ? '' : `, vote for ${hardState.votedFor}`;
      return `persists ticket ${ticket}: ${recordText(record)} (term ${hardState.term}${vote}, commit ${commitFloor})`;
    }
    case 'apply': {
      const { entries, applied } = effect;
      return `applies ${entries[0]?.index}..${applied.index}@${applied.term}`;
    }
    case 'notice': {
      const { kind, ...rest } = effect.notice;
      return `notice ${kind} ${JSON.stringify(rest).replaceAll('"', '')}`;
    }
    case 'fileDiverged':
      return `files as diverged ${effect.entries.map(({ index, term }) => `${index}@${term}`).join(' ')}`;
    case 'stop':
      return `stops: ${effect.reason}`;
    case 'sendSnapshot':
    case 'cancelSnapshot':
      return `${effect.kind} ${effect.peer}`;
    case 'install':
    case 'discardSnapshot':
      return `${effect.kind} ${effect.directory}`;
    default:
      return undefined;
  }
}

function recordText(record: LogRecord): string {
  switch (record.kind) {
    case 'entries':
    case 'repair': {
      const [first] = record.entries;
      const last = record.entries.at(-1);
      if (first === undefined || last === undefined) return 'state';
      const range = first === last ? `${first.index}` : `${first.index}..${last.index}`;
      return `${record.kind} ${range}@${last.term}`;
    }
    case 'genesis':
      return `genesis ${record.genesis.cluster}`;
    case 'exclusion':
      return `exclusion ${record.reason}`;
    case 'base':
      return `base ${record.position.index}@${record.position.term} in ${record.directory}`;
    default:
      return assertNever(record);
  }
}
