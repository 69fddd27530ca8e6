import type { PrimaryChange, Timeline, TimelineEvent } from '../timeline.ts';
import { element } from './details.ts';
import { timeText } from './model.ts';

const LISTED: ReadonlySet<string> = new Set(['failure', 'fault', 'mend', 'phase', 'promotion']);

/** The run in two sentences. */
export function summaryOf(timeline: Timeline): (Node | string)[] {
  const { nodes, calls, changes, gaps, endMs, failure, events } = timeline;
  const faults = events.filter(({ kind }) => kind === 'fault').length;
  const count = (outcome: string): number => calls.filter((call) => call.outcome === outcome).length;
  const longest = Math.max(0, ...gaps.map(({ from, to }) => to - from));
  const verdict =
    failure === undefined
      ? element('span', { class: 'passed' }, 'It passed.')
      : element('span', { class: 'failed' }, `It failed: ${failure}`);
  const without =
    gaps.length === 0 ? 'there was always one' : `longest time without one ${timeText(longest)}`;
  return [
    `${nodes.length} nodes for ${timeText(endMs)} of virtual time, ${faults} faults. The primary changed ` +
      `${changes.length} ${changes.length === 1 ? 'time' : 'times'}, ${without}. Of ${calls.length} calls ${count('ok')} were answered, ` +
      `${count('notApplied')} failed without effect, ${count('unknown')} with an unknown outcome. `,
    verdict,
  ];
}

/** What a person has to know of the run, in order. */
export interface StoryLine {
  readonly at: number;
  readonly className: string;
  readonly words: string;
  readonly steps: readonly string[];
  /** The place of the event that it is about. */
  readonly place?: number;
  readonly change?: PrimaryChange;
}

export function storyOf({ events, changes }: Timeline): StoryLine[] {
  const lines: StoryLine[] = [];
  events.forEach((event, place) => {
    if (!LISTED.has(event.kind)) return;
    const change =
      event.kind === 'promotion'
        ? changes.find(({ at, node }) => at === event.at && node === event.host)
        : undefined;
    lines.push(change === undefined ? plainLine(event, place) : changeLine(change, place));
  });
  return lines;
}

function plainLine({ at, kind, words }: TimelineEvent, place: number): StoryLine {
  return {
    at,
    className: kind,
    words: kind === 'fault' ? words : words.replace(/^FAILED: /, 'Failed: '),
    steps: [],
    place,
  };
}

/** A failover, step by step, each with the time since what began it. */
function changeLine(change: PrimaryChange, place: number): StoryLine {
  const { at, node, term, previous, lostAt, cause, suspectedAt, electionAt, electedAt, firstAnswerAt } =
    change;
  const since = cause?.at ?? lostAt ?? electionAt ?? at;
  const steps: string[] = [];
  const step = (when: number | undefined, words: string): void => {
    if (when !== undefined) steps.push(`+${timeText(Math.max(0, when - since))} ${words}`);
  };
  if (cause !== undefined) steps.push(`${cause.words}`);
  step(suspectedAt, 'a standby suspects');
  step(electionAt, `${node} stands for election`);
  step(electedAt, 'a majority has elected it');
  step(at, 'it takes writes');
  step(firstAnswerAt, 'a client is answered');
  const gap = lostAt === undefined ? '' : `, after ${timeText(at - lostAt)} without a primary`;
  const words =
    node === previous
      ? `${node} is primary again, term ${term}${gap}`
      : `${node} takes over from ${previous}, term ${term}${gap}`;
  return { at, className: 'change', words, steps, place, change };
}
