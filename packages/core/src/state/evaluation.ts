import type { Mutation, Revision, WriteResult } from '@holdfast/types';

/** The newest state of a key: the store under the overlay. */
export interface CurrentRecord {
  readonly revision: Revision;
  readonly value: Uint8Array;
  /** Log time; absent: it stays. */
  readonly expiresAt?: number;
}

export type Lookup = (key: Uint8Array) => CurrentRecord | undefined;

/** Where in the log a request is evaluated. */
export interface EvaluationPoint {
  /** The first mutation takes it, the others count up. */
  readonly nextRevision: Revision;
  /** Of the newest mutation before this request. */
  readonly lastRevision: Revision;
  /** Of the entry. */
  readonly logTime: number;
}

export interface Evaluation {
  /** What the entry carries; empty when a condition failed. */
  readonly mutations: readonly Mutation[];
  readonly result: WriteResult;
}
