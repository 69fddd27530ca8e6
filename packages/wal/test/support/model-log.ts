import type { HardState, PersistOrder } from '@holdfast/core';
import type { Entry, Exclusion, Genesis, Position } from '@holdfast/types';
import { position } from './entries.ts';

/** A log as the naive would keep it: everything in an array. Immutable; each record makes the next. */
export interface ModelLog {
  readonly ticket: number;
  readonly entries: readonly Entry[];
  readonly superseded: readonly Entry[];
  readonly base: Position;
  readonly directory: string | undefined;
  readonly last: Position;
  readonly hardState: HardState;
  readonly commitFloor: number;
  readonly genesis: Genesis | undefined;
  readonly exclusion: Exclusion | undefined;
}

export const EMPTY_MODEL: ModelLog = {
  ticket: 0,
  entries: [],
  superseded: [],
  base: position(0, 0),
  directory: undefined,
  last: position(0, 0),
  hardState: { term: 0 as never },
  commitFloor: 0,
  genesis: undefined,
  exclusion: undefined,
};

export function advanceModel(model: ModelLog, order: PersistOrder): ModelLog {
  const state = {
    ...model,
    ticket: order.ticket as number,
    hardState: order.hardState,
    commitFloor: Math.max(model.commitFloor, order.commitFloor),
    last: order.last,
  };
  const { record } = order;
  switch (record.kind) {
    case 'genesis':
      return { ...state, genesis: record.genesis };
    case 'exclusion':
      return { ...state, exclusion: record.reason };
    case 'repair':
      return {
        ...state,
        entries: [...model.entries, ...record.entries].sort((one, other) => one.index - other.index),
      };
    case 'base': {
      const kept = model.entries.filter((entry) => record.keepTail && entry.index > record.position.index);
      const lost = model.entries.filter((entry) => !record.keepTail && entry.index > state.commitFloor);
      return {
        ...state,
        entries: kept,
        superseded: [...model.superseded, ...lost],
        base: record.position,
        directory: record.directory,
      };
    }
    case 'entries': {
      const first = record.entries[0]?.index ?? order.last.index + 1;
      const kept = model.entries.filter((entry) => entry.index < first);
      const lost = model.entries.filter(
        (old) =>
          old.index >= first &&
          !record.entries.some((entry) => entry.index === old.index && entry.term === old.term),
      );
      return { ...state, entries: [...kept, ...record.entries], superseded: [...model.superseded, ...lost] };
    }
  }
}
