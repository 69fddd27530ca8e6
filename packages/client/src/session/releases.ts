import type { Resilience } from '../resilience/resilience.ts';
import type { Outage } from './degrader.ts';
import type { LinkTable } from './link-table.ts';
import type { ReadDesk } from './read-desk.ts';
import type { WriteLane } from './write-lane.ts';

export interface ReleaseParts {
  readonly resilience: Resilience;
  readonly links: LinkTable;
  readonly writes: readonly WriteLane[];
  readonly reads: ReadDesk;
}

/** Watches whether there is somebody to ask, and sees to it that those who waited do not all go at once. */
export class Releases {
  readonly #parts: ReleaseParts;
  /** As far as the gates have been told. */
  #hadPrimary = false;
  #hadAny = false;
  /** Since when there has been none; meaningless while there is one. */
  #noPrimarySince: number;
  #noneSince: number;

  constructor(parts: ReleaseParts, now: number) {
    this.#parts = parts;
    this.#noPrimarySince = now;
    this.#noneSince = now;
  }

  /** For how long there has been no primary that can be asked, and no node at all; 0 while there is one. */
  outage(now: number): Outage {
    return {
      noPrimaryMs: this.#hadPrimary ? 0 : now - this.#noPrimarySince,
      noNodeMs: this.#hadAny ? 0 : now - this.#noneSince,
    };
  }

  /** Calls wait although nobody was ever there: to them that is an outage like any other. */
  awaitFirst(now: number): void {
    this.#parts.resilience.neverFound(now);
  }

  /** Tells the gates who can be asked, if that has changed. */
  review(now: number): void {
    const { links, resilience, writes, reads } = this.#parts;
    const { target } = links;
    const hasPrimary = target !== undefined && !target.breaker.holdsBack;
    if (!hasPrimary && this.#hadPrimary) this.lostPrimary(target?.breaker.awaitedSince ?? now, now);
    if (hasPrimary && !this.#hadPrimary) {
      const waiting = writes.reduce((sum, lane) => sum + lane.waiting, reads.waiting.forPrimary);
      resilience.found(resilience.primaryGate, waiting, now);
      for (const lane of writes) lane.divide();
      reads.dividePrimary();
    }
    this.#hadPrimary = hasPrimary;
    const hasAny = links.size > 0;
    if (!hasAny && this.#hadAny) {
      this.#noneSince = now;
      resilience.lost(resilience.anyGate, now, now);
    }
    if (hasAny && !this.#hadAny) {
      resilience.found(resilience.anyGate, reads.waiting.forAnybody, now);
      reads.divideAnybody();
    }
    this.#hadAny = hasAny;
  }

  /** There has been none since then, whether or not there is one now. */
  lostPrimary(since: number, now: number): void {
    const { resilience } = this.#parts;
    if (this.#hadPrimary) this.#noPrimarySince = since;
    this.#hadPrimary = false;
    resilience.lost(resilience.primaryGate, since, now);
  }

  /** Once nobody who waited is left, nobody is held back. */
  tick(): void {
    const { resilience, writes, reads } = this.#parts;
    const { forPrimary, forAnybody } = reads.late;
    if (forPrimary === 0 && !writes.some(({ hasLate }) => hasLate)) {
      resilience.primaryGate.done();
      for (const lane of writes) lane.endRelease();
    }
    if (forAnybody === 0) resilience.anyGate.done();
  }

  /** When somebody may go who may not now; undefined if nobody is held back. */
  dueAt(now: number): number | undefined {
    const { primaryGate, anyGate } = this.#parts.resilience;
    const [primary, any] = [primaryGate.dueAt(now), anyGate.dueAt(now)];
    return primary === undefined || any === undefined ? (primary ?? any) : Math.min(primary, any);
  }
}
