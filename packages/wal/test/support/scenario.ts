import { SimDisk, type SimRandom } from '@holdfast/sim';
import type { Entry, LogIndex } from '@holdfast/types';
import { entriesRecord, entry, GENESIS, hardState, position } from './entries.ts';
import { expectSound, Harness, TINY_SEGMENT } from './harness.ts';
import { below, chance } from './seeds.ts';

/** A life of a log as a core could lead it, drawn at random: every kind of record, pauses, restarts. */
export class Scenario {
  readonly random: SimRandom;
  log: Harness;
  /** Of the run that is under way: a program that ended must not go on writing, so each has its own. */
  disk: SimDisk;
  /** The head up to here may be gone. */
  below = 0;
  judged: Entry[] = [];
  onAction: () => Promise<void> = async () => {};

  constructor(random: SimRandom, options: { disk?: SimDisk; segmentBytes?: number } = {}) {
    this.random = random;
    this.disk = options.disk ?? new SimDisk();
    this.log = new Harness({ segmentBytes: options.segmentBytes ?? TINY_SEGMENT, disk: this.disk });
  }

  async run(actions: number): Promise<void> {
    await this.log.open();
    for (let action = 0; action < actions; action++) {
      await this.#act();
      await this.onAction();
    }
    await this.log.settle();
  }

  async #act(): Promise<void> {
    const draw = this.random.next();
    if (draw < 0.4) this.#append();
    else if (draw < 0.5) this.#truncate();
    else if (draw < 0.6) this.#changeState();
    else if (draw < 0.65) this.#installBase();
    else if (draw < 0.82) await this.log.settle();
    else if (draw < 0.88) await this.log.clock.advance(10);
    else if (draw < 0.95) await this.#removeHead();
    else await this.restart(chance(this.random, 0.5));
  }

  /** The program ends, in order or not, and starts again. */
  async restart(clean: boolean): Promise<void> {
    const { log } = this;
    if (clean) await log.close();
    log.ended = true;
    const { onOperation } = this.disk;
    this.disk.onOperation = undefined;
    this.disk = this.disk.afterCrash({ keep: 'all' });
    this.disk.onOperation = onOperation;
    this.log = await log.again(this.disk);
    await this.check();
  }

  check(log: Harness = this.log): Promise<void> {
    return expectSound(log, { below: this.below, judged: this.judged });
  }

  #entries(from: number, previousTerm: number, term: number): Entry[] {
    const entries: Entry[] = [];
    const count = 1 + below(this.random, 3);
    for (let index = from; index < from + count; index++) {
      const bytes = chance(this.random, 0.05)
        ? 9000
        : chance(this.random, 0.02)
          ? 50_000
          : 1 + below(this.random, 400);
      const salt = String(below(this.random, 1000));
      entries.push(entry({ index, term, previousTerm: index === from ? previousTerm : term, bytes, salt }));
    }
    return entries;
  }

  #append(): void {
    const { model } = this.log;
    const term = Math.max(1, model.last.term, model.hardState.term);
    this.log.append(entriesRecord(...this.#entries(model.last.index + 1, model.last.term, term)), {
      hardState: hardState(term),
    });
  }

  #truncate(): void {
    const { model } = this.log;
    const lowest = Math.max(model.commitFloor, model.base.index) + 1;
    if (model.last.index < lowest) return;
    const first = lowest + below(this.random, model.last.index - lowest + 1);
    const before = model.entries.find(({ index }) => index === first - 1);
    const term = model.hardState.term + 1;
    if (before === undefined && first - 1 !== model.base.index) return;
    const previousTerm = before?.term ?? model.base.term;
    this.log.append(entriesRecord(...this.#entries(first, previousTerm, term)), {
      hardState: hardState(term, 'n2'),
    });
  }

  #changeState(): void {
    const { model } = this.log;
    const draw = this.random.next();
    if (draw < 0.1 && model.genesis === undefined) {
      this.log.append({ kind: 'genesis', genesis: GENESIS });
    } else if (draw < 0.12) {
      this.log.append({ kind: 'exclusion', reason: 'disk-went-back' });
    } else if (draw < 0.5) {
      this.log.append(entriesRecord(), { hardState: hardState(model.hardState.term + 1, 'n3') });
    } else {
      const commitFloor = model.commitFloor + below(this.random, model.last.index - model.commitFloor + 1);
      this.log.append(entriesRecord(), { commitFloor });
    }
  }

  #installBase(): void {
    const { model } = this.log;
    const directory = `store-${model.ticket}`;
    if (chance(this.random, 0.5) && model.entries.length > 0) {
      const held = model.entries[below(this.random, model.entries.length)]!;
      if (held.index < model.commitFloor) return;
      this.log.append(
        { kind: 'base', position: position(held.index, held.term), directory, keepTail: true },
        { commitFloor: held.index },
      );
      return;
    }
    const index = model.commitFloor + 1 + below(this.random, 8);
    const term = model.hardState.term + 1;
    this.log.append(
      { kind: 'base', position: position(index, term), directory, keepTail: false },
      { hardState: hardState(term), commitFloor: model.commitFloor },
    );
  }

  async #removeHead(): Promise<void> {
    const { log } = this;
    if (chance(this.random, 0.7)) {
      this.judged.push(...log.model.superseded);
      log.wal.judged(log.model.superseded);
    }
    // What is not committed may be superseded yet, and has to be there then.
    const limit = below(this.random, log.model.commitFloor + 2);
    this.below = Math.max(this.below, limit);
    const removed = log.wal.removeHead({ below: limit as LogIndex });
    if (chance(this.random, 0.5)) await log.clock.drive(removed);
  }
}
