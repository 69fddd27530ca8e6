import { assert, assertNever, type LogIndex, type Position } from '@holdfast/types';
import { LogMap, type RemovedEntry } from './log-map.ts';
import type { EntryPlace, StoredRecord } from './record-payload.ts';
import { SupersededEntries } from './superseded-entries.ts';

/** What the records of a log come to, in order: the same rules while it is written and when it is read again. */
export class LogContent {
  readonly map: LogMap = new LogMap();
  readonly superseded: SupersededEntries = new SupersededEntries();

  /** `segment` 0: not written yet. */
  apply(record: StoredRecord, at: { readonly segment: number; readonly commitFloor: LogIndex }): void {
    switch (record.kind) {
      case 'entries':
        this.#append(record.places, at.segment);
        return;
      case 'repair':
        this.#repair(record.places, at.segment);
        return;
      case 'base':
        this.#rebase(record, at.commitFloor);
        return;
      case 'genesis':
      case 'exclusion':
        return;
      default:
        assertNever(record);
    }
  }

  /** The log is known to end at `last` now: what lies behind was superseded, what lacks before it was lost. */
  reconcile(last: Position): void {
    const map = this.map;
    if (last.index < map.last.index) {
      this.#supersede(map.truncateFrom((last.index + 1) as LogIndex, last.term));
    } else if (last.index > map.last.index) {
      map.extendTo(last);
    }
    const held = map.termAt(last.index) ?? map.last.term;
    if (held === last.term) return;
    if (last.index < map.first) {
      map.reset(last);
      return;
    }
    this.#supersede(map.truncateFrom(last.index, last.term));
    map.extendTo(last);
  }

  /** The entry at `index` is not the log's: a frame that replaced it was lost. */
  disown(index: LogIndex): void {
    const entry = this.map.takeOut(index);
    if (entry !== undefined) this.superseded.add(entry);
  }

  #append(places: readonly EntryPlace[], segment: number): void {
    const start = places[0];
    if (start === undefined) return;
    const behindEnd = start.index > this.map.last.index;
    const removed = behindEnd ? [] : this.map.truncateFrom(start.index, start.previousTerm);
    for (const place of places) this.map.append(place.index, { ...place, segment });
    this.#supersede(removed);
  }

  #repair(places: readonly EntryPlace[], segment: number): void {
    const removed: RemovedEntry[] = [];
    for (const place of places) {
      if (place.index < this.map.first || place.index > this.map.last.index) continue;
      const displaced = this.map.takeOut(place.index);
      if (displaced !== undefined) removed.push(displaced);
      this.map.place(place.index, { ...place, segment });
    }
    this.#supersede(removed);
  }

  #rebase(base: Extract<StoredRecord, { kind: 'base' }>, commitFloor: LogIndex): void {
    const { map } = this;
    const { position } = base;
    if (base.keepTail && position.index < map.last.index) {
      map.dropBelow((position.index + 1) as LogIndex);
      return;
    }
    const removed = base.keepTail ? [] : map.truncateFrom(map.first, map.last.term);
    map.reset(position);
    this.#supersede(removed.filter((entry) => entry.index > commitFloor));
  }

  /** The same entry written again replaces nothing. */
  #supersede(removed: readonly RemovedEntry[]): void {
    for (const entry of removed) {
      assert(entry.length > 0, 'an entry has bytes');
      if (this.map.termAt(entry.index) !== entry.term) this.superseded.add(entry);
    }
  }
}
