import type { Timeline } from '../timeline.ts';
import type { Item } from './model.ts';
import type { Hit } from './paint.ts';

const NEAR_PIXELS = 5;

/** What was drawn at a point, or next to it; the band of a node only if there is nothing else. */
export function itemAt(hits: readonly Hit[], x: number, y: number): Item | undefined {
  let nearest: { item: Item; distance: number } | undefined;
  let band: Item | undefined;
  for (const hit of hits) {
    const distance = distanceTo(hit, x, y);
    if (hit.item.kind === 'role') {
      if (distance === 0) band = hit.item;
    } else if (distance <= NEAR_PIXELS && distance <= (nearest?.distance ?? NEAR_PIXELS))
      nearest = { item: hit.item, distance };
  }
  return nearest?.item ?? band;
}

function distanceTo(hit: Hit, x: number, y: number): number {
  if ('width' in hit) {
    const dx = Math.max(hit.x - x, 0, x - hit.x - hit.width);
    const dy = Math.max(hit.y - y, 0, y - hit.y - hit.height);
    return Math.hypot(dx, dy);
  }
  const { x1, y1, x2, y2 } = hit;
  const length = (x2 - x1) ** 2 + (y2 - y1) ** 2;
  const share =
    length === 0 ? 0 : Math.max(0, Math.min(1, ((x - x1) * (x2 - x1) + (y - y1) * (y2 - y1)) / length));
  return Math.hypot(x - x1 - share * (x2 - x1), y - y1 - share * (y2 - y1));
}

/** When an item began. */
export function timeOf({ kind, place }: Item, timeline: Timeline): number {
  switch (kind) {
    case 'event':
      return timeline.events[place]!.at;
    case 'call':
      return timeline.calls[place]!.from;
    case 'message':
      return timeline.messages.sent[place]!;
    case 'role':
      return timeline.roles[place]!.from;
  }
}

/** One line about an item. */
export function wordsOf({ kind, place }: Item, timeline: Timeline): string {
  switch (kind) {
    case 'event':
      return timeline.events[place]!.words;
    case 'call': {
      const { host, words, answer, outcome } = timeline.calls[place]!;
      return `${host}: ${words} → ${outcome === 'open' ? 'never answered' : answer}`;
    }
    case 'message': {
      const { from, to, words } = timeline.messages;
      return `${timeline.hosts[from[place]!]} → ${timeline.hosts[to[place]!]}: ${words[place]}`;
    }
    case 'role': {
      const { host, state, term, isFrozen } = timeline.roles[place]!;
      return `${host}: ${isFrozen ? 'frozen, ' : ''}${state}${term === 0 ? '' : `, term ${term}`}`;
    }
  }
}

/** All whose words hold every word of the query, in the order of time. */
export function search(query: string, timeline: Timeline, most: number): { items: Item[]; count: number } {
  const parts = query
    .toLowerCase()
    .split(/\s+/)
    .filter((part) => part !== '');
  const items: Item[] = [];
  const look = (kind: Item['kind'], length: number): void => {
    for (let place = 0; place < length; place += 1) {
      const words = wordsOf({ kind, place }, timeline).toLowerCase();
      if (parts.every((part) => words.includes(part))) items.push({ kind, place });
    }
  };
  look('event', timeline.events.length);
  look('call', timeline.calls.length);
  look('message', timeline.messages.sent.length);
  items.sort((one, other) => timeOf(one, timeline) - timeOf(other, timeline));
  return { items: items.slice(0, most), count: items.length };
}

/** The next item of the same kind in the same lane; of a message, by the one that sent it. */
export function neighbour({ kind, place }: Item, timeline: Timeline, step: 1 | -1): Item | undefined {
  const { messages } = timeline;
  const lists = { event: timeline.events, call: timeline.calls, role: timeline.roles };
  const length = kind === 'message' ? messages.sent.length : lists[kind].length;
  const laneOf = (at: number): unknown => (kind === 'message' ? messages.from[at] : lists[kind][at]?.host);
  for (let at = place + step; at >= 0 && at < length; at += step)
    if (laneOf(at) === laneOf(place)) return { kind, place: at };
  return undefined;
}
