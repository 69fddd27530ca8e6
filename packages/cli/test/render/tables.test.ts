import { describe, expect, it } from 'vitest';
import { type NodeRow, nodeRows } from '../../src/node-row.ts';
import { LiveScreen } from '../../src/render/live-screen.ts';
import { lagText, nodeTable } from '../../src/render/node-table.ts';
import { fitted, paintFor, widthOf } from '../../src/render/style.ts';
import { tableLines } from '../../src/render/table.ts';
import { upLines, wrapped } from '../../src/render/up-lines.ts';
import { TestSink } from '../support/capture.ts';
import { rowOf } from '../support/rows.ts';
import { Terminal } from '../support/terminal.ts';

const plain = paintFor(false);
const coloured = paintFor(true);

const rows: NodeRow[] = [
  rowOf({
    id: 'n1',
    role: 'primary',
    url: 'ws://127.0.0.1:7101',
    last: 9_999_999,
    applied: 9_999_999,
    pid: 4_194_304,
  }),
  rowOf({
    id: 'n2',
    role: 'standby',
    url: 'ws://127.0.0.1:7102',
    lag: { entries: 999_999, bytes: 1, ms: 59_000 },
  }),
  rowOf({
    id: 'n3',
    role: 'down',
    url: 'ws://127.0.0.1:7103',
    term: null,
    last: null,
    applied: null,
    pid: null,
  }),
];

describe('tables', () => {
  it('align by what is seen, colours or not', () => {
    const columns = [{ title: 'a' }, { title: 'number', align: 'right' as const }];
    expect(
      tableLines(columns, [
        ['long one', '1'],
        [coloured('red', 'x'), '22'],
      ]),
    ).toEqual(['a         number', 'long one       1', `${coloured('red', 'x')}             22`]);
  });

  it('of nodes fit 80 columns', () => {
    for (const line of nodeTable(rows, coloured)) expect(widthOf(line)).toBeLessThanOrEqual(80);
    expect(nodeTable(rows, plain).join('\n')).toMatchInlineSnapshot(`
      "node  role       term      log  applied  lag            address             pid
      n1    primary       1  9999999  9999999  -              127.0.0.1:7101  4194304
      n2    standby       1       10       10  999999 · 59 s  127.0.0.1:7102     1234
      n3    down          -        -        -  -              127.0.0.1:7103        -"
    `);
  });

  it('say how far behind a standby is', () => {
    const lag = (entries: number, ms: number): string => lagText(rowOf({ lag: { entries, bytes: 0, ms } }));
    expect(lag(0, 0)).toBe('level');
    expect(lag(3, 0)).toBe('3');
    expect(lag(3, 12)).toBe('3 · 12 ms');
    expect(lag(3, 61_000)).toBe('3 · 61 s');
    expect(lagText(rowOf({ lag: null }))).toBe('-');
    expect(lagText(rowOf({ role: 'primary', lag: null }))).toBe('-');
  });
});

describe('lines', () => {
  it('are cut to the width, colours left whole', () => {
    expect(fitted('abcdef', 6)).toBe('abcdef');
    expect(fitted('abcdefg', 6)).toBe('abcde…');
    const text = fitted(coloured('red', 'abcdefg'), 4);
    expect(widthOf(text)).toBe(4);
    expect(text.endsWith('\u001b[39m')).toBe(true);
  });

  it('of a failover break before a part', () => {
    const story =
      'n1 died · n2 suspected it after 3 ms · elected after 9 ms · first write possible after 14 ms';
    expect(wrapped(story, 66)).toEqual([
      'n1 died · n2 suspected it after 3 ms · elected after 9 ms',
      '· first write possible after 14 ms',
    ]);
    expect(wrapped('one two three', 7)).toEqual(['one two', 'three']);
  });
});

it('a node that does not answer is told by what is known of its process', () => {
  const node = { id: 'n1', url: 'ws://127.0.0.1:7101' };
  const roleOf = (known: object): string | undefined => nodeRows([{ ...node, ...known }], new Map())[0]?.role;
  expect(roleOf({})).toBe('down');
  expect(roleOf({ pid: 7 })).toBe('silent');
  expect(roleOf({ pid: 7, isStarting: true })).toBe('starting');
  expect(roleOf({ pid: 7, isStarting: true, isPaused: true })).toBe('paused');
});

describe('what up shows', () => {
  const entries = Array.from({ length: 20 }, (_, at) => ({
    at: at * 1000,
    text: `event ${at}`,
    isAlarming: false,
  }));
  const picture = {
    rows,
    entries,
    directory: './.holdfast',
    ack: 'quorum',
    commandName: 'holdfast',
    isStarting: false,
  };
  const frame = { columns: 80, linesMax: 24, paint: plain };

  it('ends with what to try next: a fallen node is to be started', () => {
    const lines = upLines(picture, frame);
    expect(lines).toContain('  holdfast start n3');
    expect(lines.length).toBeLessThanOrEqual(frame.linesMax);
    const well = upLines({ ...picture, rows: rows.slice(0, 2) }, frame);
    expect(well).toContain('  holdfast kill n1');
  });

  it('suggests nothing that would fail: not before the first primary, no start of what runs', () => {
    const early = upLines({ ...picture, rows: rows.slice(0, 2), isStarting: true }, frame);
    expect(early.at(-1)).toBe('the nodes are starting …');
    expect(early.join('\n')).not.toContain('try in');
    expect(upLines({ ...picture, isStarting: true }, frame)).toContain('  holdfast start n3');
    const silent = [...rows.slice(0, 2), rowOf({ id: 'n3', role: 'silent' })];
    expect(upLines({ ...picture, rows: silent }, frame)).toContain('  holdfast kill n1');
  });

  it('shows the newest events, fewer where there is less room, and drops the hints before them', () => {
    const high = upLines(picture, { ...frame, linesMax: 50 });
    expect(high.filter((line) => line.includes('event'))).toHaveLength(10);
    expect(high.join('\n')).toContain('event 19');
    const low = upLines(picture, { ...frame, linesMax: 12 });
    expect(low.length).toBeLessThanOrEqual(12);
    expect(low.join('\n')).toContain('event 19');
    expect(low.join('\n')).not.toContain('try in');
  });

  it('never shows the end of an event without its beginning', () => {
    const long = {
      at: 0,
      text: 'n1 died · n2 suspected it after 3 ms · elected after 9 ms · and so on',
      isAlarming: true,
    };
    const two = { ...picture, entries: [long, ...entries.slice(0, 3)] };
    const lines = upLines(two, { columns: 50, linesMax: 11, paint: plain });
    expect(lines.filter((line) => line.startsWith(' '.repeat(14)))).toEqual([]);
  });
});

describe('the live screen', () => {
  it('shows the newest frame and nothing of older ones', () => {
    const sink = new TestSink();
    const screen = new LiveScreen(sink);
    const terminal = new Terminal();
    for (const lines of [['a', 'b', 'c'], ['a', 'B', 'c'], ['a'], ['x', 'y'], ['x', 'y']]) {
      screen.draw(lines);
      terminal.write(sink.text);
      sink.parts.length = 0;
      expect(terminal.lines).toEqual(lines);
    }
  });

  it('writes one piece per frame, and nothing when nothing changed', () => {
    const sink = new TestSink();
    const screen = new LiveScreen(sink);
    sink.parts.length = 0;
    screen.draw(['a', 'b']);
    expect(sink.parts).toHaveLength(1);
    screen.draw(['a', 'b']);
    expect(sink.parts).toHaveLength(1);
    screen.draw(['a', 'c']);
    expect(sink.parts).toHaveLength(2);
    expect(sink.parts[1]?.toString()).not.toContain('a');
  });

  it('keeps to the size of the terminal, and begins anew when that changes', () => {
    const sink = new TestSink();
    const screen = new LiveScreen(sink);
    sink.rows = 6;
    sink.columns = 10;
    screen.draw(Array.from({ length: 20 }, () => 'a line that is too long'));
    const terminal = new Terminal();
    terminal.write(sink.text);
    expect(terminal.lines).toHaveLength(5);
    expect(Math.max(...terminal.lines.map((line) => line.length))).toBe(10);
    sink.parts.length = 0;
    sink.columns = 40;
    screen.draw(['a']);
    expect(sink.text).toContain('\u001b[2J');
  });
});
