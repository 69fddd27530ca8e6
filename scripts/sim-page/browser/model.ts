import type { MessageClass, Timeline } from '../timeline.ts';

/** Something that can be looked at: the place is that in its list of the timeline. */
export interface Item {
  readonly kind: 'event' | 'call' | 'message' | 'role';
  readonly place: number;
}

/** What is shown, and how. */
export interface PageState {
  readonly timeline: Timeline;
  readonly hiddenClasses: Set<MessageClass>;
  readonly hiddenHosts: Set<string>;
  showsCalls: boolean;
  selected: Item | undefined;
}

export async function readTimeline(): Promise<Timeline> {
  const text = document.getElementById('data')?.textContent ?? '';
  const bytes = Uint8Array.from(atob(text), (sign) => sign.charCodeAt(0));
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream('gzip'));
  return (await new Response(stream).json()) as Timeline;
}

export function sameItem(one: Item | undefined, other: Item | undefined): boolean {
  return one?.kind === other?.kind && one?.place === other?.place;
}

/** The first place in an ascending list that is not below a value. */
export function placeFrom(length: number, valueAt: (place: number) => number, value: number): number {
  let [low, high] = [0, length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (valueAt(middle) < value) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** Milliseconds as people read them: the more digits the shorter. */
export function timeText(ms: number): string {
  if (ms >= 10_000) return `${(ms / 1000).toFixed(2)} s`;
  if (ms >= 100) return `${ms.toFixed(0)} ms`;
  return `${ms.toFixed(ms >= 10 ? 1 : 2)} ms`;
}

/** A moment of the run. */
export function momentText(ms: number): string {
  return ms.toFixed(1).replace(/\B(?=(\d{3})+(?=\.))/g, ' ');
}
