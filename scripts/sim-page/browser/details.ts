import { MESSAGE_CLASSES, type Timeline } from '../timeline.ts';
import { type Item, momentText, timeText } from './model.ts';

export const CLASS_WORDS: Readonly<Record<string, string>> = {
  log: 'Replication of the log',
  heartbeat: 'Heartbeats',
  election: 'Elections',
  client: 'Clients',
  snapshot: 'Snapshots',
  other: 'Others',
};

export const OUTCOME_WORDS: Readonly<Record<string, string>> = {
  ok: 'answered',
  notApplied: 'failed, not applied',
  unknown: 'failed, outcome unknown',
  open: 'never answered',
};

/** Makes an element. */
export function element(
  tag: string,
  attributes: Readonly<Record<string, string>> = {},
  ...children: readonly (Node | string)[]
): HTMLElement {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  made.append(...children);
  return made;
}

/** Everything that is known of an item. */
export function detailsOf(item: Item, timeline: Timeline): HTMLElement[] {
  const { title, rows } = factsOf(item, timeline);
  const list = element('dl');
  for (const [name, value] of rows) list.append(element('dt', {}, name), element('dd', {}, value));
  return [element('h2', {}, title), list];
}

interface Facts {
  readonly title: string;
  readonly rows: readonly (readonly [name: string, value: string])[];
}

function factsOf({ kind, place }: Item, timeline: Timeline): Facts {
  switch (kind) {
    case 'event': {
      const { at, kind: sort, host, words } = timeline.events[place]!;
      const where: [string, string][] = host === undefined ? [] : [['lane', host]];
      return {
        title: EVENT_TITLES[sort] ?? sort,
        rows: [['at', `${momentText(at)} ms`], ...where, ['what', words]],
      };
    }
    case 'call':
      return callFacts(place, timeline);
    case 'message':
      return messageFacts(place, timeline);
    case 'role': {
      const { host, state, term, from, to, isFrozen } = timeline.roles[place]!;
      return {
        title: `${host}: ${isFrozen ? 'frozen, ' : ''}${state}`,
        rows: [
          ['from', `${momentText(from)} ms`],
          ['to', `${momentText(to)} ms`],
          ['for', timeText(to - from)],
          ['term', term === 0 ? 'none yet' : String(term)],
        ],
      };
    }
  }
}

function callFacts(place: number, timeline: Timeline): Facts {
  const { host, number, from, to, words, outcome, answer } = timeline.calls[place]!;
  return {
    title: `Call ${number} of ${host}`,
    rows: [
      ['asked', words],
      ['outcome', OUTCOME_WORDS[outcome] ?? outcome],
      ['answer', answer],
      ['from', `${momentText(from)} ms`],
      ['latency', timeText(to - from)],
    ],
  };
}

function messageFacts(place: number, timeline: Timeline): Facts {
  const { messages, hosts } = timeline;
  const [sent, arrived] = [messages.sent[place]!, messages.arrived[place]!];
  const under =
    arrived < 0 ? 'never arrived' : `${momentText(arrived)} ms, after ${timeText(arrived - sent)}`;
  return {
    title: `${hosts[messages.from[place]!]} → ${hosts[messages.to[place]!]}`,
    rows: [
      ['about', CLASS_WORDS[MESSAGE_CLASSES[messages.class[place]!]!] ?? ''],
      ['sent', `${momentText(sent)} ms`],
      ['arrived', under],
      ['says', messages.words[place]!],
    ],
  };
}

const EVENT_TITLES: Readonly<Record<string, string>> = {
  failure: 'The run failed',
  fault: 'Fault',
  mend: 'End of a fault',
  election: 'Election',
  promotion: 'New primary',
  life: 'Process',
  phase: 'Phase of the run',
  link: 'Link',
  log: 'Step of a node',
};
