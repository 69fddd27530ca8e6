import { crc32 } from 'node:zlib';
import type { HardState, PersistOrder } from '@holdfast/core';
import type { Exclusion, Genesis, LogIndex, Position, Term } from '@holdfast/types';

/** A snapshot that replaced the log up to a position; `directory` is absent for the beginning of everything. */
export interface LogBase {
  readonly position: Position;
  readonly directory: string | undefined;
}

/** All that the log says besides its entries, after any one of its records. */
export interface LogState {
  readonly genesis: Genesis | undefined;
  readonly exclusion: Exclusion | undefined;
  readonly base: LogBase;
  readonly hardState: HardState;
  readonly commitFloor: LogIndex;
  readonly last: Position;
}

const NO_POSITION: Position = { index: 0 as LogIndex, term: 0 as Term };

export const EMPTY_STATE: LogState = {
  genesis: undefined,
  exclusion: undefined,
  base: { position: NO_POSITION, directory: undefined },
  hardState: { term: 0 as Term },
  commitFloor: 0 as LogIndex,
  last: NO_POSITION,
};

export function advanceState(state: LogState, order: Omit<PersistOrder, 'ticket'>): LogState {
  const record = order.record;
  return {
    genesis: record.kind === 'genesis' ? record.genesis : state.genesis,
    exclusion: record.kind === 'exclusion' ? record.reason : state.exclusion,
    base: record.kind === 'base' ? { position: record.position, directory: record.directory } : state.base,
    hardState: order.hardState,
    commitFloor: Math.max(state.commitFloor, order.commitFloor) as LogIndex,
    last: order.last,
  };
}

/** Of what only rare records say. A frame whose digest differs from the state known so far betrays a lost one. */
export function stateDigest(state: Pick<LogState, 'genesis' | 'base'>): number {
  const { genesis, base } = state;
  const named = (record: Readonly<Record<string, string>>): [string, string][] =>
    Object.entries(record).sort(([one], [other]) => (one < other ? -1 : 1));
  const told = [
    genesis === undefined
      ? null
      : [genesis.cluster, named(genesis.databases), named(genesis.voters), genesis.limits.revisionGap],
    [base.position.index, base.position.term, base.directory ?? null],
  ];
  return crc32(JSON.stringify(told));
}
