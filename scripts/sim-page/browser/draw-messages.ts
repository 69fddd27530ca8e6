import { MESSAGE_CLASSES } from '../timeline.ts';
import { APPLIED_HEIGHT, GUTTER, type Lane, TRAFFIC_HEIGHT } from './lanes.ts';
import { placeFrom, sameItem } from './model.ts';
import type { Paint } from './paint.ts';

/** With more of them in sight they are counted instead. */
const LINES_MAX = 900;
/** A message may be on its way for so long and still be drawn where it is sent out of sight. */
const LATE_MS_MAX = 2000;
const ELECTION: number = MESSAGE_CLASSES.indexOf('election');

/** Lines between lanes, or how many there are; answers which. */
export function drawMessages(paint: Paint): 'lines' | 'counts' {
  const { state, view } = paint;
  const { messages } = state.timeline;
  const sentAt = (place: number): number => messages.sent[place]!;
  const first = placeFrom(messages.sent.length, sentAt, view.from - LATE_MS_MAX);
  const last = placeFrom(messages.sent.length, sentAt, view.to);
  const shown: number[] = [];
  for (let place = first; place < last; place += 1) if (isShown(paint, place)) shown.push(place);
  const asLines = shown.length <= LINES_MAX;
  if (!asLines) drawCounts(paint, shown);
  // The few that decide who is the primary are always to be seen.
  for (const place of shown)
    if (asLines || messages.class[place] === ELECTION) drawLine(paint, place, shown.length);
  return asLines ? 'lines' : 'counts';
}

function isShown({ state, view, layout }: Paint, place: number): boolean {
  const { messages, hosts } = state.timeline;
  const arrived = messages.arrived[place]!;
  if ((arrived < 0 ? messages.sent[place]! : arrived) < view.from) return false;
  if (state.hiddenClasses.has(MESSAGE_CLASSES[messages.class[place]!]!)) return false;
  return layout.lanes.has(hosts[messages.from[place]!]!) && layout.lanes.has(hosts[messages.to[place]!]!);
}

function drawLine(paint: Paint, place: number, count: number): void {
  const { context, view, state, layout, color, hits } = paint;
  const { messages, hosts } = state.timeline;
  const [from, to] = [
    layout.lanes.get(hosts[messages.from[place]!]!)!,
    layout.lanes.get(hosts[messages.to[place]!]!)!,
  ];
  const isDownward = to.top > from.top;
  const arrived = messages.arrived[place]!;
  const x1 = view.x(messages.sent[place]!);
  const y1 = isDownward ? from.bandTop + from.bandHeight : from.bandTop;
  const yEnd = isDownward ? to.bandTop : to.bandTop + to.bandHeight;
  const x2 = arrived < 0 ? x1 + 6 : view.x(arrived);
  const y2 = arrived < 0 ? y1 + (isDownward ? 12 : -12) : yEnd;
  if (x2 < GUTTER) return;
  const isSelected = sameItem(state.selected, { kind: 'message', place });
  const isElection = messages.class[place] === ELECTION;
  context.strokeStyle = color(isSelected ? 'mark' : MESSAGE_CLASSES[messages.class[place]!]!);
  context.globalAlpha = isSelected || isElection ? 1 : count > 600 ? 0.35 : 0.7;
  context.lineWidth = isSelected ? 3 : isElection ? 1.6 : 1;
  context.beginPath();
  context.moveTo(x1, y1);
  context.lineTo(x2, y2);
  context.stroke();
  if (count <= 300) drawEnd(context, { x: x2, y: y2, isDownward, hasArrived: arrived >= 0 });
  context.globalAlpha = 1;
  context.lineWidth = 1;
  hits.push({ x1, y1, x2, y2, item: { kind: 'message', place } });
}

/** An arrow, or a cross if it never arrived. */
function drawEnd(
  context: CanvasRenderingContext2D,
  { x, y, isDownward, hasArrived }: { x: number; y: number; isDownward: boolean; hasArrived: boolean },
): void {
  context.beginPath();
  if (hasArrived) {
    const back = isDownward ? -5 : 5;
    context.moveTo(x - 3, y + back);
    context.lineTo(x, y);
    context.lineTo(x + 3, y + back);
  } else {
    context.moveTo(x - 3, y - 3);
    context.lineTo(x + 3, y + 3);
    context.moveTo(x + 3, y - 3);
    context.lineTo(x - 3, y + 3);
  }
  context.stroke();
}

/** Below each node, for each two pixels: how many messages it sent and got, by what they are about. */
function drawCounts({ context, view, state, layout, color }: Paint, shown: readonly number[]): void {
  const { messages, hosts } = state.timeline;
  const width = 2;
  const columns = Math.ceil((view.right - GUTTER) / width) + 1;
  const classes = MESSAGE_CLASSES.length;
  const counts = new Map<string, Uint32Array>();
  for (const lane of layout.lanes.values())
    if (lane.isNode) counts.set(lane.host, new Uint32Array(columns * classes));
  const count = (host: string, at: number, kind: number): void => {
    const column = Math.floor((view.x(at) - GUTTER) / width);
    const ofHost = counts.get(host);
    if (ofHost === undefined || column < 0 || column >= columns) return;
    ofHost[column * classes + kind]! += 1;
  };
  for (const place of shown) {
    const kind = messages.class[place]!;
    count(hosts[messages.from[place]!]!, messages.sent[place]!, kind);
    if (messages.arrived[place]! >= 0) count(hosts[messages.to[place]!]!, messages.arrived[place]!, kind);
  }
  let most = 1;
  for (const ofHost of counts.values())
    for (let column = 0; column < columns; column += 1) most = Math.max(most, sumOf(ofHost, column, classes));
  for (const [host, ofHost] of counts) {
    const lane = layout.lanes.get(host)!;
    for (let column = 0; column < columns; column += 1) {
      const sum = sumOf(ofHost, column, classes);
      if (sum > 0)
        drawColumn({
          context,
          color,
          lane,
          ofHost,
          column,
          width,
          classes,
          scale: (Math.sqrt(sum / most) * TRAFFIC_HEIGHT) / sum,
        });
    }
  }
}

function sumOf(counts: Uint32Array, column: number, classes: number): number {
  let sum = 0;
  for (let kind = 0; kind < classes; kind += 1) sum += counts[column * classes + kind]!;
  return sum;
}

function drawColumn(column: {
  readonly context: CanvasRenderingContext2D;
  readonly color: Paint['color'];
  readonly lane: Lane;
  readonly ofHost: Uint32Array;
  readonly column: number;
  readonly width: number;
  readonly classes: number;
  /** Pixels a message. */
  readonly scale: number;
}): void {
  const { context, color, lane, ofHost, width, classes, scale } = column;
  let y = lane.bandTop + lane.bandHeight + APPLIED_HEIGHT + TRAFFIC_HEIGHT + 6;
  for (let kind = 0; kind < classes; kind += 1) {
    const height = ofHost[column.column * classes + kind]! * scale;
    if (height === 0) continue;
    context.fillStyle = color(MESSAGE_CLASSES[kind]!);
    context.fillRect(GUTTER + column.column * width, y - height, width, height);
    y -= height;
  }
}
