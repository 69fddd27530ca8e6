import type { Core, Effect, Input } from '@holdfast/core';
import type { MarkName } from './mark-list.ts';

export type Meet = (mark: MarkName) => void;

/** Tells by the steps of one run of a node which marks it meets. */
export interface StepMarks {
  /** The core as it is when an input comes. */
  before(core: Core, input: Input): void;
  /** The same core once it has taken it. */
  after(core: Core, input: Input, effects: readonly Effect[]): void;
}
