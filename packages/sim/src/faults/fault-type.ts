import type { Random } from '@holdfast/types';
import type { FaultWorld } from './fault-world.ts';

/** Who there is to be struck. */
export interface FaultScene {
  readonly nodes: readonly string[];
  readonly clients: readonly string[];
  /** Both of them. */
  readonly hosts: readonly string[];
}

/**
 * One kind of fault. What it is in a run is drawn beforehand as plain data, so that a schedule can be written down,
 * read back and made smaller; a fault that names who is not there, or is not so any more, does nothing.
 */
export interface FaultType<Fault extends { readonly kind: string }> {
  /** How often a second, over the whole cluster, in a run that has this kind: least and most. */
  readonly perSecond: readonly [min: number, max: number];
  draw(random: Random, scene: FaultScene): Fault;
  inflict(fault: Fault, world: FaultWorld): void;
}
