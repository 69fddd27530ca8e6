import type { RoleSpan, TimelineEvent } from '../timeline.ts';
import {
  APPLIED_HEIGHT,
  AXIS_HEIGHT,
  FAULTS_HEIGHT,
  GUTTER,
  LANES_TOP,
  type Lane,
  ROW_HEIGHT,
} from './lanes.ts';
import { momentText, placeFrom, sameItem, timeText } from './model.ts';
import { FONT, fittingText, hatch, type Paint, SMALL_FONT } from './paint.ts';

/** With more of them in sight they are left out. */
const LOG_EVENTS_MAX = 400;

export function drawBackground({ context, view, layout, state, color }: Paint): void {
  const { height } = layout;
  drawAxis({ context, view, height, color });
  for (const { from, to } of state.timeline.gaps) {
    if (to < view.from || from > view.to) continue;
    const x = Math.max(GUTTER, view.x(from));
    const width = Math.max(1.5, Math.min(view.right, view.x(to)) - x);
    context.fillStyle = color('gap');
    context.fillRect(x, AXIS_HEIGHT, width, height - AXIS_HEIGHT);
    context.fillStyle = color('gap-text');
    context.font = SMALL_FONT;
    fittingText(context, [`no primary for ${timeText(to - from)}`, timeText(to - from)], {
      x,
      y: LANES_TOP - 8,
      width,
    });
  }
}

function drawAxis({
  context,
  view,
  height,
  color,
}: Pick<Paint, 'context' | 'view' | 'color'> & { height: number }): void {
  const step = niceStep(90 / view.pixelsPerMs);
  context.font = SMALL_FONT;
  for (let at = Math.ceil(view.from / step) * step; at <= view.to; at += step) {
    const x = Math.round(view.x(at)) + 0.5;
    context.strokeStyle = color('line');
    context.beginPath();
    context.moveTo(x, AXIS_HEIGHT - 5);
    context.lineTo(x, height);
    context.stroke();
    context.fillStyle = color('quiet');
    context.fillText(axisText(at, step), x + 3, AXIS_HEIGHT / 2);
  }
}

function niceStep(least: number): number {
  const power = 10 ** Math.floor(Math.log10(least));
  return [1, 2, 5, 10].map((factor) => factor * power).find((step) => step >= least) ?? power * 10;
}

function axisText(ms: number, step: number): string {
  if (step >= 100) return `${(ms / 1000).toFixed(step >= 1000 ? 0 : 1)} s`;
  return `${momentText(ms).replace(/\.\d$/, '')}${step < 1 ? (ms % 1).toFixed(step < 0.1 ? 2 : 1).slice(1) : ''} ms`;
}

export function drawLane(paint: Paint, lane: Lane): void {
  const { context, color, view, layout } = paint;
  context.strokeStyle = color('line');
  context.beginPath();
  context.moveTo(0, Math.round(lane.top) + 0.5);
  context.lineTo(view.right, Math.round(lane.top) + 0.5);
  context.stroke();
  if (lane.isNode) {
    drawRoles(paint, lane);
    drawDisks(paint, lane);
    drawApplied(paint, lane);
  } else if (paint.state.showsCalls) drawCalls(paint, lane, layout.rows);
}

/** Last of all, over whatever has come too far to the left. */
export function drawLabels({ context, color, layout, state }: Paint): void {
  context.fillStyle = color('page');
  context.fillRect(0, 0, GUTTER, layout.height);
  context.fillStyle = color('quiet');
  context.font = SMALL_FONT;
  context.fillText('virtual time', 8, AXIS_HEIGHT / 2);
  context.fillText('faults', 8, AXIS_HEIGHT + 13);
  context.fillText('new primary', 8, AXIS_HEIGHT + 33);
  for (const { host, isNode, bandTop, bandHeight } of layout.lanes.values()) {
    const y = isNode ? bandTop + bandHeight / 2 : bandTop + 7;
    context.font = `600 ${FONT}`;
    context.fillStyle = color('text');
    context.fillText(isNode ? host : clientName(host), 8, y);
    context.font = SMALL_FONT;
    context.fillStyle = color('quiet');
    if (!isNode) continue;
    context.fillText('applied', 8, bandTop + bandHeight + APPLIED_HEIGHT / 2 + 2);
    context.fillText('messages', 8, bandTop + bandHeight + APPLIED_HEIGHT + 16);
  }
  const first = state.timeline.clients
    .map((host) => layout.lanes.get(host))
    .find((lane) => lane !== undefined);
  if (first !== undefined) context.fillText('calls', 8, first.bandTop + 20);
}

function clientName(host: string): string {
  return /^c\d+$/.test(host) ? `client ${host}` : host;
}

function drawRoles({ context, view, state, color, hits }: Paint, lane: Lane): void {
  state.timeline.roles.forEach((span, place) => {
    if (span.host !== lane.host || span.to < view.from || span.from > view.to) return;
    const x = Math.max(GUTTER, view.x(span.from));
    const width = Math.max(0.8, Math.min(view.right, view.x(span.to)) - x);
    const box = { x, y: lane.bandTop, width, height: lane.bandHeight };
    const [fill, text] = bandColors(span, color);
    if (fill !== undefined) {
      context.fillStyle = fill;
      context.fillRect(x, box.y, width, box.height);
    }
    if (span.state === 'down') {
      context.strokeStyle = color('down');
      context.strokeRect(x + 0.5, box.y + 0.5, Math.max(0, width - 1), box.height - 1);
      hatch(context, box, color('down'));
    } else if (span.isFrozen) hatch(context, box, color('frozen'));
    else if (span.state === 'starting') hatch(context, box, color('line'));
    hits.push({ ...box, item: { kind: 'role', place } });
    context.font = FONT;
    drawPlate({
      context,
      variants: bandWords(span),
      box,
      text,
      plate: span.state === 'down' || span.isFrozen ? color('page') : undefined,
    });
  });
}

function drawPlate(parts: {
  context: CanvasRenderingContext2D;
  variants: readonly string[];
  box: { x: number; y: number; width: number; height: number };
  text: string;
  /** Behind the words, where they would not be readable. */
  plate: string | undefined;
}): void {
  const { context, variants, box, text, plate } = parts;
  const words = variants.find((variant) => context.measureText(variant).width <= box.width - 10);
  if (words === undefined) return;
  const y = box.y + box.height / 2;
  if (plate !== undefined) {
    context.fillStyle = plate;
    context.fillRect(box.x + 3, y - 8, context.measureText(words).width + 6, 16);
  }
  context.fillStyle = text;
  context.fillText(words, box.x + 6, y);
}

function bandColors(span: RoleSpan, color: Paint['color']): [fill: string | undefined, text: string] {
  switch (span.state) {
    case 'down':
      return [undefined, color('down')];
    case 'primary':
      if (span.isFrozen) return [color('pending'), color('text')];
      return span.admits ? [color('primary'), color('primary-text')] : [color('pending'), color('text')];
    case 'candidate':
      return [color('candidate'), span.isFrozen ? color('text') : color('candidate-text')];
    case 'standby':
      return [color('standby'), span.isFrozen ? color('text') : color('standby-text')];
    default:
      return [color('starting'), color('starting-text')];
  }
}

function bandWords({ state, term, isFrozen, admits }: RoleSpan): string[] {
  const frozen = isFrozen ? 'frozen, ' : '';
  const of = term === 0 ? '' : `, term ${term}`;
  const short = isFrozen ? 'frozen' : state;
  if (state === 'down') return ['down'];
  if (state === 'primary' && !admits && !isFrozen)
    return [`elected${of}, takes no writes yet`, `elected${of}`, 'elected'];
  return [`${frozen}${state}${of}`, short, state === 'primary' && term > 0 && !isFrozen ? `T${term}` : short];
}

function drawDisks({ context, view, state, color }: Paint, lane: Lane): void {
  for (const span of state.timeline.disks) {
    if (span.host !== lane.host || span.to < view.from || span.from > view.to) continue;
    const x = Math.max(GUTTER, view.x(span.from));
    const width = Math.max(2, Math.min(view.right, view.x(span.to)) - x);
    context.fillStyle = color(span.state === 'full' ? 'fault' : 'unknown');
    context.fillRect(x, lane.bandTop - 4, width, 3);
    context.font = SMALL_FONT;
    fittingText(context, [`disk ${span.state}`], { x, y: lane.bandTop - 9, width });
  }
}

/** Steps up with the index; all nodes on one scale. */
function drawApplied({ context, view, state, color }: Paint, lane: Lane): void {
  const steps = state.timeline.applied[lane.host];
  if (steps === undefined) return;
  const most = Math.max(...Object.values(state.timeline.applied).map((of) => of.at(-1)?.[1] ?? 1));
  const bottom = lane.bandTop + lane.bandHeight + APPLIED_HEIGHT + 1;
  const first = Math.max(0, placeFrom(steps.length, (place) => steps[place]![0], view.from) - 1);
  context.strokeStyle = color('applied');
  context.lineWidth = 1.2;
  context.beginPath();
  let last: number | undefined;
  for (let place = first; place < steps.length; place += 1) {
    const [at, index] = steps[place]!;
    const x = Math.min(view.right, Math.max(GUTTER, view.x(at)));
    const y = bottom - (index / most) * (APPLIED_HEIGHT - 3);
    if (last === undefined) context.moveTo(x, y);
    else {
      context.lineTo(x, last);
      context.lineTo(x, y);
    }
    last = y;
    if (at > view.to) break;
  }
  if (last !== undefined && (steps.at(-1)?.[0] ?? 0) <= view.to)
    context.lineTo(Math.min(view.right, view.x(state.timeline.endMs)), last);
  context.stroke();
  context.lineWidth = 1;
}

function drawCalls({ context, view, state, color, hits }: Paint, lane: Lane, rows: readonly number[]): void {
  state.timeline.calls.forEach((call, place) => {
    if (call.host !== lane.host || call.to < view.from || call.from > view.to) return;
    const x = Math.max(GUTTER, view.x(call.from));
    const width = Math.max(1.2, Math.min(view.right, view.x(call.to)) - x);
    const y = lane.bandTop + (rows[place] ?? 0) * ROW_HEIGHT;
    const isSelected = sameItem(state.selected, { kind: 'call', place });
    context.fillStyle = color(isSelected ? 'mark' : call.outcome);
    context.globalAlpha = call.outcome === 'ok' && !isSelected ? 0.75 : 1;
    context.fillRect(x, y, width, ROW_HEIGHT - 2);
    context.globalAlpha = 1;
    hits.push({ x, y, width, height: ROW_HEIGHT - 2, item: { kind: 'call', place } });
  });
}

/** Faults and changes of primary above the lanes; elections and what else happens at their nodes. */
export function drawEvents(paint: Paint): void {
  const { view, state, layout } = paint;
  const { events } = state.timeline;
  const atOf = (place: number): number => events[place]!.at;
  const margin = 4 / view.pixelsPerMs;
  const first = placeFrom(events.length, atOf, view.from - margin);
  const last = placeFrom(events.length, atOf, view.to + margin);
  const places = Array.from({ length: last - first }, (_, offset) => first + offset);
  const quiet = places.filter((place) => isQuiet(events[place]!)).length;
  for (const place of places) {
    const event = events[place]!;
    const lane = event.host === undefined ? undefined : layout.lanes.get(event.host);
    if (isFlag(event) || lane === undefined) continue;
    if (!isQuiet(event) || quiet <= LOG_EVENTS_MAX) drawMark(paint, { event, place, lane });
  }
  const flags = places.filter((place) => isFlag(events[place]!));
  const nextX = (after: readonly number[], x: number): number =>
    after.map((place) => view.x(atOf(place))).find((other) => other > x + 1) ?? view.right;
  const serious = flags.filter((place) => !isMinor(events[place]!));
  flags.forEach((place, order) => {
    const x = view.x(atOf(place));
    const event = events[place]!;
    const isSmall = isMinor(event);
    const after = isSmall ? flags.slice(order + 1) : serious.slice(serious.indexOf(place) + 1);
    drawFlag(paint, { event, place, isSmall, room: nextX(after, x) - x });
  });
  drawChanges(paint);
}

function isFlag({ kind }: TimelineEvent): boolean {
  return kind === 'fault' || kind === 'mend' || kind === 'failure';
}

/** There are many of them, and they rarely decide anything: others have their words first. */
function isMinor({ kind, words }: TimelineEvent): boolean {
  return kind === 'mend' || / is stalled for |^links between | wall clock /.test(words);
}

function isQuiet({ kind }: TimelineEvent): boolean {
  return kind === 'log' || kind === 'link';
}

/** A fault or its end; `room`: pixels to the next one that matters as much. */
function drawFlag(
  paint: Paint,
  drawn: { event: TimelineEvent; place: number; isSmall: boolean; room: number },
): void {
  const { context, view, layout, color, hits, state } = paint;
  const { event, place, isSmall, room } = drawn;
  const x = view.x(event.at);
  if (x < GUTTER) return;
  const isFailure = event.kind === 'failure';
  const lane = event.host === undefined ? undefined : layout.lanes.get(event.host);
  const laneEnd = lane === undefined ? LANES_TOP : lane.bandTop + lane.bandHeight;
  const isSelected = sameItem(state.selected, { kind: 'event', place });
  const name = isSelected ? 'mark' : event.kind === 'mend' ? 'quiet' : 'fault';
  context.strokeStyle = color(name);
  context.globalAlpha = isFailure || isSelected ? 1 : 0.6;
  context.lineWidth = isFailure || isSelected ? 3 : 1;
  context.beginPath();
  context.moveTo(x, AXIS_HEIGHT + 1);
  context.lineTo(x, isFailure ? layout.height : isSmall && lane === undefined ? AXIS_HEIGHT + 6 : laneEnd);
  context.stroke();
  context.globalAlpha = 1;
  context.lineWidth = 1;
  context.fillStyle = color(name);
  context.beginPath();
  const size = isSmall ? 2.5 : 5;
  context.moveTo(x, AXIS_HEIGHT + 1);
  context.lineTo(x + size * 1.4, AXIS_HEIGHT + 1 + size);
  context.lineTo(x, AXIS_HEIGHT + 1 + 2 * size);
  context.fill();
  hits.push({ x: x - 3, y: AXIS_HEIGHT, width: 10, height: 16, item: { kind: 'event', place } });
  context.font = SMALL_FONT;
  const short = event.words.length > 48 ? `${event.words.slice(0, 46)}…` : event.words;
  fittingText(context, [short], { x: x + 4, y: AXIS_HEIGHT + 12, width: room - 4 });
}

const MARK_COLORS: Readonly<Partial<Record<TimelineEvent['kind'], string>>> = {
  election: 'election',
  promotion: 'primary',
  life: 'text',
};

/** A small mark at its node: above the band, or below it for what is told by the log. */
function drawMark(paint: Paint, drawn: { event: TimelineEvent; place: number; lane: Lane }): void {
  const { context, view, color, hits, state } = paint;
  const { event, place, lane } = drawn;
  const x = view.x(event.at);
  if (x < GUTTER) return;
  const isSelected = sameItem(state.selected, { kind: 'event', place });
  const radius = isQuiet(event) ? 2 : event.kind === 'promotion' ? 4.5 : 3;
  const y = isQuiet(event) ? lane.bandTop + lane.bandHeight - 3 : lane.bandTop - 5;
  context.fillStyle = color(isSelected ? 'mark' : (MARK_COLORS[event.kind] ?? 'quiet'));
  context.beginPath();
  context.arc(x, y, isSelected ? radius + 2 : radius, 0, 2 * Math.PI);
  context.fill();
  hits.push({ x: x - 5, y: y - 5, width: 10, height: 10, item: { kind: 'event', place } });
}

function drawChanges({ context, view, state, layout, color }: Paint): void {
  let labelEnd = 0;
  for (const { at, node, term } of state.timeline.changes) {
    const x = view.x(at);
    if (x < GUTTER || x > view.right) continue;
    context.strokeStyle = color('primary');
    context.setLineDash([4, 3]);
    context.beginPath();
    context.moveTo(x, AXIS_HEIGHT + 26);
    context.lineTo(x, layout.height);
    context.stroke();
    context.setLineDash([]);
    if (x < labelEnd) continue;
    context.font = `600 ${SMALL_FONT}`;
    context.fillStyle = color('primary');
    const words = `${node}, term ${term}`;
    context.fillText(words, x + 4, AXIS_HEIGHT + FAULTS_HEIGHT - 17);
    labelEnd = x + 10 + context.measureText(words).width;
  }
}
