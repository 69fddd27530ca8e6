import type { StoreView } from '@holdfast/store';
import type { WireError } from '@holdfast/types';
import { wireError } from './wire-error.ts';

export interface ConnectionSnapshotsOptions {
  readonly snapshotsMax: number;
  now(): number;
}

/** A snapshot that reads may be held against. */
export interface OpenSnapshot {
  readonly view: StoreView;
  /** How old the state was when it was taken, ms; -1: unknown. */
  readonly stalenessMs: number;
  /** Monotonic, ms. */
  readonly takenAt: number;
  /** When it was taken, as the log counts time. */
  readonly logTime: number;
}

/** How old its state is by now, ms; -1: unknown. */
export function ageOf({ stalenessMs, takenAt }: OpenSnapshot, now: number): number {
  return stalenessMs < 0 ? stalenessMs : stalenessMs + now - takenAt;
}

interface Held {
  /** Until the core has let it be taken. */
  snapshot: OpenSnapshot | undefined;
  usedAt: number;
}

/** The snapshots that one client connection holds, by the client's own number for them. */
export class ConnectionSnapshots {
  readonly #options: ConnectionSnapshotsOptions;
  readonly #held = new Map<number, Held>();

  constructor(options: ConnectionSnapshotsOptions) {
    this.#options = options;
  }

  /** Takes a place for a new one; undefined, or why not. */
  reserve(id: number): WireError | undefined {
    if (this.#held.has(id)) return wireError('HOLDFAST_INVALID_ARGUMENT', `snapshot ${id} is open already`);
    const { snapshotsMax, now } = this.#options;
    if (this.#held.size >= snapshotsMax) {
      return wireError('HOLDFAST_OVERLOADED', `more than ${snapshotsMax} snapshots on one connection`);
    }
    this.#held.set(id, { snapshot: undefined, usedAt: now() });
    return undefined;
  }

  /** The core lets it be taken. One that was closed meanwhile is closed at once: false. */
  begin(id: number, snapshot: OpenSnapshot): boolean {
    const held = this.#held.get(id);
    if (held === undefined) {
      release(snapshot);
      return false;
    }
    held.snapshot = snapshot;
    held.usedAt = this.#options.now();
    return true;
  }

  /** To be read from now. Undefined: it was never opened, or is closed. */
  use(id: number): OpenSnapshot | undefined {
    const held = this.#held.get(id);
    if (held !== undefined) held.usedAt = this.#options.now();
    return held?.snapshot;
  }

  /** Scans on it go on. Does nothing if there is no such snapshot. */
  close(id: number): void {
    const held = this.#held.get(id);
    this.#held.delete(id);
    if (held?.snapshot !== undefined) release(held.snapshot);
  }

  closeIdle(usedBefore: number): void {
    for (const [id, { snapshot, usedAt }] of this.#held) {
      if (snapshot !== undefined && usedAt < usedBefore) this.close(id);
    }
  }

  /** Later reads are answered SNAPSHOT_LOST. */
  closeAll(): void {
    for (const [id, { snapshot }] of this.#held) if (snapshot !== undefined) this.close(id);
  }
}

function release({ view }: OpenSnapshot): void {
  // A failure to let go of it harms nobody: the store it belongs to is going, too.
  view.close().catch(() => undefined);
}
