import type { PageState } from './model.ts';

/** A host on the screen. Pixels from the top of the canvas. */
export interface Lane {
  readonly host: string;
  readonly isNode: boolean;
  readonly top: number;
  readonly height: number;
  /** Of a node what it is, of a client its calls. */
  readonly bandTop: number;
  readonly bandHeight: number;
}

export interface LaneLayout {
  readonly lanes: ReadonlyMap<string, Lane>;
  /** Of each call, by its place: how many others of its client lie above it. */
  readonly rows: readonly number[];
  readonly height: number;
}

export const AXIS_HEIGHT = 24;
/** Faults, and below them who takes over. */
export const FAULTS_HEIGHT = 46;
export const LANES_TOP: number = AXIS_HEIGHT + FAULTS_HEIGHT;
export const GUTTER = 92;
export const ROW_HEIGHT = 9;
/** Of a node's lane: what it has applied, then its messages when there are too many for lines. */
export const APPLIED_HEIGHT = 14;
export const TRAFFIC_HEIGHT = 22;
const BAND_HEIGHT = 26;
const BAND_OFFSET = 14;
const NODE_HEIGHT: number = BAND_OFFSET + BAND_HEIGHT + APPLIED_HEIGHT + TRAFFIC_HEIGHT + 14;

export function layOut({ timeline, hiddenHosts }: PageState): LaneLayout {
  const rows: number[] = [];
  const depth = new Map<string, number>();
  const ends = new Map<string, number[]>();
  timeline.calls.forEach(({ host, from, to }) => {
    const ofHost = ends.get(host) ?? [];
    ends.set(host, ofHost);
    const free = ofHost.findIndex((end) => end <= from);
    const row = free < 0 ? ofHost.length : free;
    ofHost[row] = to;
    rows.push(row);
    depth.set(host, Math.max(depth.get(host) ?? 0, row + 1));
  });
  const lanes = new Map<string, Lane>();
  let top = LANES_TOP;
  for (const host of timeline.hosts) {
    if (hiddenHosts.has(host)) continue;
    const isNode = timeline.nodes.includes(host);
    const bandHeight = isNode ? BAND_HEIGHT : Math.max(1, depth.get(host) ?? 0) * ROW_HEIGHT;
    const height = isNode ? NODE_HEIGHT : bandHeight + 20;
    lanes.set(host, { host, isNode, top, height, bandTop: top + (isNode ? BAND_OFFSET : 8), bandHeight });
    top += height;
  }
  return { lanes, rows, height: top + 8 };
}
