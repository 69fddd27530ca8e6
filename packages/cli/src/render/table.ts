import type { Output } from '../output.ts';
import { paintFor, widthOf } from './style.ts';

export interface Column {
  readonly title: string;
  readonly align?: 'left' | 'right';
  /** So that a table drawn again and again does not move about. */
  readonly minWidth?: number;
}

/** Lines of a table: a head and one line for each row, two blanks between columns, none at the end. */
export function tableLines(columns: readonly Column[], rows: readonly (readonly string[])[]): string[] {
  const widths = columns.map(({ title, minWidth = 0 }, at) =>
    Math.max(minWidth, widthOf(title), ...rows.map((row) => widthOf(row[at] ?? ''))),
  );
  const line = (cells: readonly string[]): string =>
    columns
      .map(({ align }, at) => {
        const cell = cells[at] ?? '';
        const blanks = ' '.repeat((widths[at] as number) - widthOf(cell));
        return align === 'right' ? blanks + cell : cell + blanks;
      })
      .join('  ')
      .trimEnd();
  return [line(columns.map(({ title }) => title)), ...rows.map(line)];
}

/** A table on stdout, its head dim. */
export function printTable(
  output: Output,
  titles: readonly string[],
  rows: readonly (readonly string[])[],
): void {
  const columns = titles.map((title) => ({ title }));
  const [head = '', ...lines] = tableLines(columns, rows);
  for (const line of [paintFor(output.hasColour)('dim', head), ...lines]) output.line(line);
}
