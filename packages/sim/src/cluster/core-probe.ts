import { Core, type Effect, type Input, type RecoveredState } from '@holdfast/core';
import type { NodeOptions } from '@holdfast/server';
import type { NodeId } from '@holdfast/types';

/** One run of a node. */
export interface Boot {
  readonly node: NodeId;
  /** From 1, counted over all runs of this node. */
  readonly number: number;
}

export interface CoreObserver {
  /** A core begins with what its log and store were found to hold. */
  onRecovered(boot: Boot, recovered: RecoveredState): void;
  /** Before each step: the core as it is. */
  beforeStep?(boot: Boot, core: Core, input: Input): void;
  /** After each step, before any of its effects is performed. */
  onStep(boot: Boot, input: Input, effects: readonly Effect[], core: Core): void;
  /** A step threw, or left the core in a state that cannot be. */
  onBroken(boot: Boot, error: unknown): void;
  /** The simulator's own code threw, where the code under test had called it. */
  fails?(error: unknown): void;
}

/** Makes the real core, and tells of all that goes in and comes out. */
export function probedCore(boot: Boot, observer: CoreObserver): NonNullable<NodeOptions['makeCore']> {
  return (config, recovered, now) => {
    observer.onRecovered(boot, recovered);
    const core = new Core(config, recovered, now);
    const step = core.step.bind(core);
    core.step = (input, at) => {
      let effects: readonly Effect[];
      observer.beforeStep?.(boot, core, input);
      try {
        effects = step(input, at);
        core.checkInvariants();
      } catch (error) {
        observer.onBroken(boot, error);
        throw error;
      }
      observer.onStep(boot, input, effects, core);
      return effects;
    };
    return core;
  };
}
