import type { BookedWatch, WatchSection } from '../workload/watch-book.ts';
import { SafetyViolation } from './safety-violation.ts';
import type { LoggedMutation, WinningLog } from './winning-log.ts';

type Change = Exclude<WatchSection['events'][number], { readonly type: 'progress' }>;

const NAME = 'watches';

/**
 * Each watch was told the log that won, in its range, from where it began to where it came to: in order, nothing left
 * out, nothing twice, nothing that was lost; and what it was told of the state came to a state that there was (G18).
 * Returns the number of mutations told.
 */
export function checkWatches(watches: readonly BookedWatch[], log: WinningLog): number {
  let told = 0;
  for (const watch of watches) {
    const history = log.mutations.filter(({ key }) => isIn(watch, key));
    for (const section of watch.sections) told += new SectionCheck(watch, section, history).run();
  }
  return told;
}

class SectionCheck {
  readonly #watch: BookedWatch;
  readonly #section: WatchSection;
  readonly #history: readonly LoggedMutation[];

  constructor(watch: BookedWatch, section: WatchSection, history: readonly LoggedMutation[]) {
    this.#watch = watch;
    this.#section = section;
    this.#history = history;
  }

  run(): number {
    const { events, from, state } = this.#section;
    const whole = state === undefined ? 0 : events.findIndex(({ type }) => type === 'progress') + 1;
    if (state !== undefined) {
      if (whole === 0) return this.#changes(events).length;
      this.#checkState(events.slice(0, whole));
    }
    const rest = events.slice(whole);
    const start = whole > 0 ? events[whole - 1]!.revision! : from;
    this.#checkHistory(rest, start);
    this.#checkCompaction();
    return this.#changes(rest).length;
  }

  /** What was told first, and what happened to it meanwhile, come to what there was at the revision named. */
  #checkState(events: WatchSection['events']): void {
    const told = new Map<string, string>();
    for (const event of this.#changes(events))
      if (event.type === 'put') told.set(event.key, event.value);
      else told.delete(event.key);
    const { revision } = events.at(-1)!;
    const due = new Map<string, string>();
    for (const mutation of this.#history) {
      if (mutation.revision > revision!) break;
      if (mutation.value === undefined) due.delete(mutation.key);
      else due.set(mutation.key, mutation.value);
    }
    for (const key of new Set([...told.keys(), ...due.keys()]))
      if (told.get(key) !== due.get(key))
        this.#violated(
          `is told ${key}=${told.get(key)} for the state at ${revision}, which was ${due.get(key)}`,
        );
  }

  /** `start` undefined: it was not told where it began, so all that counts is what follows the first it was told. */
  #checkHistory(events: WatchSection['events'], start: number | undefined): void {
    const changes = this.#changes(events);
    const [first] = events;
    const begin = start ?? (first?.revision ?? 0) - (first?.type === 'progress' ? 0 : 1);
    const end = events.at(-1)?.revision ?? begin;
    const due = this.#history.filter(({ revision }) => revision > begin && revision <= end);
    for (let place = 0; place < Math.max(due.length, changes.length); place += 1) {
      const [is, should] = [changes[place], due[place]];
      if (is === undefined || should === undefined || is.revision !== should.revision)
        this.#violated(
          `is told of ${textOf(is)} where the log has ${should && `${should.key}@${should.revision}`}`,
        );
      const value = is.type === 'put' ? is.value : undefined;
      if (is.key !== should.key || value !== should.value || is.term !== should.term)
        this.#violated(
          `is told of ${textOf(is)}, which is ${should.key}=${should.value} of term ${should.term}`,
        );
      const next = this.#history.find(({ revision }) => revision > should.revision);
      const isLast = next?.index !== should.index || next.call !== should.call;
      if (is.endsWrite !== isLast)
        this.#violated(`is told ${textOf(is)} ${is.endsWrite ? 'ends' : 'does not end'} a write`);
      if (this.#watch.plan.previousValue === true) this.#checkPrevious(is);
    }
  }

  #checkPrevious(change: Change): void {
    const before = this.#history.findLast(
      ({ key, revision }) => key === change.key && revision < change.revision!,
    );
    if (change.previousValue !== before?.value)
      this.#violated(
        `is told that ${textOf(change)} replaced ${change.previousValue}, which was ${before?.value}`,
      );
  }

  /** It had not come to what it is said to have missed. */
  #checkCompaction(): void {
    const { endedBy, detail, position } = this.#section;
    if (endedBy === 'HOLDFAST_SESSION_DIVERGED') this.#violated('is told that its position was lost');
    if (endedBy !== 'HOLDFAST_REVISION_COMPACTED') return;
    if (detail === undefined || (position !== undefined && position >= detail))
      this.#violated(`stands at ${position} and is told that the oldest to go on from is ${detail}`);
  }

  #changes(events: WatchSection['events']): Change[] {
    return events.filter((event) => event.type !== 'progress');
  }

  #violated(words: string): never {
    const { client, plan } = this.#watch;
    throw new SafetyViolation(NAME, `${client}, watching ${plan.gte ?? ''}..${plan.lt ?? ''}, ${words}`);
  }
}

/** Keys of namespaces lie below all others, and are nobody else's. */
function isIn({ plan: { gte, lt } }: BookedWatch, key: string): boolean {
  if (key.startsWith('\u0000')) return false;
  return (gte === undefined || key >= gte) && (lt === undefined || key < lt);
}

function textOf(change: Change | undefined): string {
  if (change === undefined) return 'nothing';
  return `${change.key}=${change.type === 'put' ? change.value : 'deleted'}@${change.revision}`;
}
