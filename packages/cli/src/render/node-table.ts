import type { NodeRow } from '../node-row.ts';
import type { Paint, Style } from './style.ts';
import { type Column, tableLines } from './table.ts';

const COLUMNS: readonly Column[] = [
  { title: 'node', minWidth: 4 },
  { title: 'role', minWidth: 9 },
  { title: 'term', align: 'right' },
  { title: 'log', align: 'right', minWidth: 7 },
  { title: 'applied', align: 'right', minWidth: 7 },
  { title: 'lag', minWidth: 12 },
  { title: 'address', minWidth: 14 },
  { title: 'pid', align: 'right' },
];

/** Fits 80 columns with addresses of 127.0.0.1 and logs of up to ten million entries. */
export function nodeTable(rows: readonly NodeRow[], paint: Paint): string[] {
  const [head = '', ...lines] = tableLines(
    COLUMNS,
    rows.map((row) => [
      row.id,
      paint(styleOf(row), row.role),
      text(row.term),
      text(row.last),
      text(row.applied),
      lagText(row),
      row.url.replace(/^wss?:\/\//, ''),
      text(row.pid),
    ]),
  );
  return [paint('dim', head), ...lines];
}

export function lagText(row: NodeRow): string {
  if (row.role === 'primary' || row.lag === null) return '-';
  const { entries, ms } = row.lag;
  if (entries === 0) return 'level';
  return ms === 0 ? `${entries}` : `${entries} · ${shortTime(ms)}`;
}

/** At most five columns. */
function shortTime(ms: number): string {
  if (ms < 1000) return `${ms} ms`;
  return ms < 600_000 ? `${Math.round(ms / 1000)} s` : `${Math.round(ms / 60_000)} min`;
}

function text(value: number | null): string {
  return value === null ? '-' : String(value);
}

function styleOf({ role }: NodeRow): Style {
  switch (role) {
    case 'primary':
      return 'green';
    case 'standby':
      return 'cyan';
    case 'down':
    case 'excluded':
      return 'red';
    default:
      return 'yellow';
  }
}
