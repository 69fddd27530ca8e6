import type { JournalEntry } from '../cluster/journal.ts';
import type { NodeRow } from '../node-row.ts';
import { clockTime } from './event-text.ts';
import { nodeTable } from './node-table.ts';
import { fitted, type Paint } from './style.ts';

export interface UpPicture {
  readonly rows: readonly NodeRow[];
  readonly entries: readonly JournalEntry[];
  readonly directory: string;
  readonly ack: string;
  readonly commandName: string;
  /** No node has admitted writes yet: what to try would fail. */
  readonly isStarting: boolean;
  /** One line below everything, instead of what to try. */
  readonly closing?: string | undefined;
}

export interface Frame {
  readonly columns: number;
  readonly linesMax: number;
  readonly paint: Paint;
}

const EVENTS_MIN = 3;
const EVENTS_MAX = 10;

/** What `up` shows on a terminal. The events take what is left between the table and the foot. */
export function upLines(picture: UpPicture, { columns, linesMax, paint }: Frame): string[] {
  const head = [titleOf(picture, paint), '', ...nodeTable(picture.rows, paint), ''];
  const foot = ['', ...footLines(picture, paint)];
  const room = linesMax - head.length - foot.length;
  // On a low terminal the events matter more than the hints.
  const withFoot = room >= EVENTS_MIN || picture.closing !== undefined;
  const lineCount = Math.min(withFoot ? Math.max(room, 1) : linesMax - head.length, EVENTS_MAX);
  const events = newestEvents(picture.entries, lineCount, { columns, paint });
  const blanks = Array.from(
    { length: Math.max(Math.min(lineCount, EVENTS_MIN) - events.length, 0) },
    () => '',
  );
  return [...head, ...events, ...blanks, ...(withFoot ? foot : [])];
}

function footLines(picture: UpPicture, paint: Paint): string[] {
  if (picture.closing !== undefined) return [picture.closing];
  // One that ended before the first primary is to be started: then there is something to do.
  const isWaiting = picture.isStarting && fallenOf(picture.rows) === undefined;
  return isWaiting ? [paint('dim', 'the nodes are starting …')] : tryLines(picture, paint);
}

/** Commands ready to paste. */
export function tryLines(
  { rows, commandName }: Pick<UpPicture, 'rows' | 'commandName'>,
  paint: Paint,
): string[] {
  const primary = rows.find(({ role }) => role === 'primary')?.id ?? rows[0]?.id ?? 'n1';
  const fallen = fallenOf(rows);
  const commands = [
    'put greeting hello',
    'get greeting',
    'load --rate 500 --duration 20s',
    fallen === undefined
      ? `kill ${primary}`
      : `${fallen.role === 'paused' ? 'resume' : 'start'} ${fallen.id}`,
  ];
  return [
    paint('dim', 'try in another terminal:'),
    ...commands.map((command) => `  ${commandName} ${command}`),
    paint('dim', 'Ctrl-C stops all nodes; their data stays.'),
  ];
}

function fallenOf(rows: readonly NodeRow[]): NodeRow | undefined {
  return rows.find(({ role }) => role === 'down' || role === 'paused');
}

function titleOf({ rows, directory, ack }: UpPicture, paint: Paint): string {
  return `${paint('bold', 'Holdfast')} · ${rows.length} nodes · acknowledged at ${ack} · ${directory}`;
}

/** Whole events only: half of one at the top would read as if it had no beginning. */
function newestEvents(
  entries: readonly JournalEntry[],
  lineCount: number,
  frame: Omit<Frame, 'linesMax'>,
): string[] {
  const shown: string[] = [];
  for (const entry of entries.toReversed()) {
    const lines = eventLines(entry, frame);
    if (shown.length + lines.length > lineCount) break;
    shown.unshift(...lines);
  }
  return shown;
}

/** An event too long for one line goes on below, indented. */
function eventLines(entry: JournalEntry, { columns, paint }: Omit<Frame, 'linesMax'>): string[] {
  const indent = ' '.repeat(14);
  const [first = '', ...others] = wrapped(entry.text, columns - indent.length);
  const colour = (text: string): string => (entry.isAlarming ? paint('yellow', text) : text);
  return [
    `${paint('dim', clockTime(entry.at))}  ${colour(first)}`,
    ...others.map((text) => fitted(indent + colour(text), columns)),
  ];
}

/** Breaks at blanks; a failover before a part of it. */
export function wrapped(text: string, width: number): string[] {
  const lines: string[] = [];
  let line = '';
  for (const word of text.includes(' · ') ? partsOf(text) : text.split(' ')) {
    if (line !== '' && line.length + 1 + word.length > width) {
      lines.push(line);
      line = '';
    }
    line = line === '' ? word : `${line} ${word}`;
  }
  return [...lines, line];
}

function partsOf(text: string): string[] {
  return text.split(' · ').map((part, at) => (at === 0 ? part : `· ${part}`));
}
