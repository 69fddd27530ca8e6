import type { NodeEvent } from '@holdfast/server';
import { eventText } from '../render/event-text.ts';
import { FailoverStory, type StoryBeginning } from './failover-story.ts';
import type { ProcessChange } from './local-cluster.ts';

const ENTRIES_MAX = 200;
/** An event seen so long before what caused it was seen still belongs to it. */
const LOOK_BACK_MS = 1000;
/** A failover that takes longer is told as far as it has come. */
const PATIENCE_MS = 3000;

/** What is worth a line besides failovers; `holdfast events` shows everything. */
const TOLD = new Set([
  'failed',
  'role',
  'promotion',
  'stepDown',
  'divergence',
  'snapshot',
  'snapshotFailed',
  'excluded',
  'formed',
  'wrongCluster',
  'corruption',
  'repair',
  'persistStall',
  'linkRefused',
  'divergenceDamaged',
  'diskFull',
]);

export interface JournalEntry {
  readonly at: number;
  readonly text: string;
  readonly isAlarming: boolean;
}

interface Line {
  readonly at: number;
  readonly isAlarming: boolean;
  readonly source: { readonly node: string; readonly event: NodeEvent } | undefined;
  readonly story: FailoverStory | undefined;
  readonly text: string;
}

/**
 * What happened to a local cluster, in words. A failover is one line that grows while its parts become known.
 * `onLine` is called for each line once it is whole (a failover that takes too long: also as far as it has come).
 */
export class Journal {
  readonly #onLine: (entry: JournalEntry) => void;
  readonly #recent: { node: string; event: NodeEvent }[] = [];
  #lines: Line[] = [];
  #story: FailoverStory | undefined;
  #isStoryOverdue = false;
  #primary: string | undefined;
  #formerPrimary: string | undefined;
  #hasFormed = false;

  constructor(onLine: (entry: JournalEntry) => void = () => {}) {
    this.#onLine = onLine;
  }

  /** Oldest first. */
  get entries(): JournalEntry[] {
    return this.#lines.map(entryOf);
  }

  get primary(): string | undefined {
    return this.#primary;
  }

  process(change: ProcessChange): void {
    const { node, at } = change;
    const isPrimary = node === this.#primary || this.#wasJustPrimary(node, at);
    switch (change.kind) {
      case 'started':
        return this.#say(at, `${node} started`);
      case 'resumed':
        return this.#say(at, `${node} resumed`);
      case 'stopping':
        return this.#say(at, `${node} was asked to stop`);
      case 'paused':
        return isPrimary ? this.#begin({ node, ending: 'paused', at }) : this.#say(at, `${node} paused`);
      case 'ended': {
        if (change.isOrderly) return this.#say(at, `${node} stopped`);
        if (change.reason !== 'SIGKILL') this.#say(at, `${node} ended: ${change.reason}`, true);
        if (isPrimary) return this.#begin({ node, ending: 'died', at: this.#firstNoticed(node, at) });
        if (change.reason === 'SIGKILL') this.#say(at, `${node} died`, true);
        return;
      }
    }
  }

  event(node: string, event: NodeEvent): void {
    this.#recent.push({ node, event });
    while (this.#recent.length > ENTRIES_MAX) this.#recent.shift();
    const isStory = this.#continue(node, event);
    if (event.kind === 'role' && event.role === 'primary') this.#onPrimary(node);
    if (isStory) return;
    if (event.kind === 'switchover') return this.#onSwitchover(node, event);
    if (isNoise(event) || this.#isOfStory(node, event)) return;
    if (event.kind === 'formed') return this.#onFormed(event);
    if (TOLD.has(event.kind))
      this.#push({ at: event.wallTime, text: `${node} ${eventText(node, event)}`, source: { node, event } });
  }

  /** To be called now and then. */
  settle(now: number): void {
    const story = this.#story;
    if (story === undefined || this.#isStoryOverdue || now - story.beginning.at < PATIENCE_MS) return;
    this.#isStoryOverdue = true;
    this.#onLine({ at: story.beginning.at, text: `${story} · no primary yet`, isAlarming: true });
  }

  /** Every node says so of the same moment. */
  #onFormed(event: NodeEvent): void {
    if (this.#hasFormed) return;
    this.#hasFormed = true;
    this.#say(event.wallTime, `all nodes have met: cluster ${String(event.cluster).slice(0, 8)} is formed`);
  }

  #onSwitchover(node: string, event: NodeEvent): void {
    if (event.state === 'started' && this.#story === undefined) {
      this.#begin({ node, ending: 'handsOver', target: String(event.target), at: event.wallTime });
    } else if (event.state === 'givenUp') {
      if (this.#story?.beginning.ending === 'handsOver') this.#story = undefined;
      this.#say(event.wallTime, `${node} ${eventText(node, event)}`, true);
    }
  }

  #begin(beginning: StoryBeginning): void {
    const story = new FailoverStory(beginning);
    this.#story = story;
    this.#isStoryOverdue = false;
    const { at, ending } = beginning;
    this.#push({ at, text: '', story, isAlarming: ending === 'died' || ending === 'paused' });
    for (const { node, event } of this.#recent.filter(({ event }) => event.wallTime >= at)) {
      if (this.#continue(node, event))
        this.#lines = this.#lines.filter(({ source }) => source?.event !== event);
    }
  }

  #continue(node: string, event: NodeEvent): boolean {
    const story = this.#story;
    if (story === undefined || !story.tell(node, event)) return false;
    if (story.isComplete) {
      this.#story = undefined;
      const line = this.#lines.find((each) => each.story === story);
      if (line !== undefined) this.#onLine(entryOf(line));
    }
    return true;
  }

  /** A primary that hands over steps down: the story says so. */
  #isOfStory(node: string, event: NodeEvent): boolean {
    if (event.kind !== 'stepDown') return false;
    const story = this.#lines.findLast((line) => line.story !== undefined)?.story;
    return story?.beginning.node === node && event.wallTime - story.beginning.at < PATIENCE_MS;
  }

  #onPrimary(node: string): void {
    if (node === this.#primary) return;
    this.#formerPrimary = this.#primary;
    this.#primary = node;
  }

  /** The others may notice a death, and elect another, before the system tells its parent. */
  #wasJustPrimary(node: string, at: number): boolean {
    return node === this.#formerPrimary && this.#suspicionsOf(node, at).length > 0;
  }

  #firstNoticed(node: string, at: number): number {
    return Math.min(at, ...this.#suspicionsOf(node, at));
  }

  #suspicionsOf(node: string, at: number): number[] {
    return this.#recent
      .filter(({ event }) => event.kind === 'suspicion' && event.of === node)
      .map(({ event }) => event.wallTime)
      .filter((time) => time > at - LOOK_BACK_MS);
  }

  #say(at: number, text: string, isAlarming = false): void {
    this.#push({ at, text, isAlarming });
  }

  #push(line: Partial<Line> & Pick<Line, 'at' | 'text'>): void {
    const whole: Line = { isAlarming: false, source: undefined, story: undefined, ...line };
    this.#lines.push(whole);
    if (this.#lines.length > ENTRIES_MAX) this.#lines.shift();
    if (whole.story === undefined) this.#onLine(entryOf(whole));
  }
}

/** Followers come and go with every failover; that says nothing new. */
function isNoise(event: NodeEvent): boolean {
  return event.kind === 'role' && event.role !== 'primary' && event.role !== 'excluded';
}

function entryOf({ at, text, isAlarming, story }: Line): JournalEntry {
  return { at, text: story === undefined ? text : String(story), isAlarming };
}
