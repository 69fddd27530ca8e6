import { AbstractSnapshot } from 'abstract-level';
import { invalidOption } from './invalid-option.ts';
import type { SnapshotPin } from './snapshot-pin.ts';
import type { Tenant } from './tenant.ts';

/** abstract-level's side of a snapshot held by a node. */
export class HoldfastSnapshot extends AbstractSnapshot {
  readonly #pin: SnapshotPin;

  /** `options`: as abstract-level hands them down; they name the database that closes it. */
  constructor(options: unknown, pin: SnapshotPin) {
    // Its types leave the constructor out.
    super(...([options] as unknown as []));
    this.#pin = pin;
  }

  /** What is to be read from, if anything. Throws HOLDFAST_INVALID_ARGUMENT for a snapshot of another database. */
  static pinOf(snapshot: AbstractSnapshot | null | undefined, tenant: Tenant): SnapshotPin | undefined {
    if (snapshot === undefined || snapshot === null) return undefined;
    if (!(snapshot instanceof HoldfastSnapshot) || !snapshot.#pin.isOf(tenant)) {
      throw invalidOption('snapshot', 'another', 'a snapshot of this database');
    }
    return snapshot.#pin;
  }

  async _close(): Promise<void> {
    this.#pin.close();
  }
}
