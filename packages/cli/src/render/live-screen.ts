import type { TextSink } from '../output.ts';
import { fitted } from './style.ts';

const ESCAPE = '\u001b[';
const HIDE_CURSOR = `${ESCAPE}?25l`;
const SHOW_CURSOR = `${ESCAPE}?25h`;
/** A terminal that knows them shows what lies between at once; others pass over them. */
const BEGIN_FRAME = `${ESCAPE}?2026h`;
const END_FRAME = `${ESCAPE}?2026l`;

/** Draws lines again and again over themselves: each frame is one write, and only lines that changed are in it. */
export class LiveScreen {
  readonly #sink: TextSink;
  #drawn: string[] = [];
  #columns = 0;

  constructor(sink: TextSink) {
    this.#sink = sink;
    sink.write(HIDE_CURSOR);
  }

  get columns(): number {
    // A terminal of an unknown size says 0.
    return this.#sink.columns || 80;
  }

  /** Lines that a frame may have: more would scroll away and could not be drawn over. */
  get linesMax(): number {
    return Math.max((this.#sink.rows || 24) - 1, 4);
  }

  draw(lines: readonly string[]): void {
    const columns = this.columns;
    const next = lines.slice(0, this.linesMax).map((line) => fitted(line, columns));
    const frame = columns === this.#columns ? this.#changes(next) : this.#afresh(next);
    this.#columns = columns;
    this.#drawn = next;
    if (frame !== '') this.#sink.write(BEGIN_FRAME + frame + END_FRAME);
  }

  /** Leaves the last frame where it is, the cursor below it. */
  close(): void {
    this.#sink.write(SHOW_CURSOR);
  }

  /** The cursor stands at the start of the line below the last one. */
  #changes(next: readonly string[]): string {
    const previous = this.#drawn;
    if (next.length === previous.length && next.every((line, at) => line === previous[at])) return '';
    let frame = previous.length === 0 ? '' : `${ESCAPE}${previous.length}A`;
    next.forEach((line, at) => {
      frame += line === previous[at] ? '\n' : `\r${line}${ESCAPE}K\n`;
    });
    return next.length < previous.length ? `${frame}${ESCAPE}J` : frame;
  }

  /** The terminal may have wrapped what stands there in a way that nobody can tell: begin on a clean one. */
  #afresh(next: readonly string[]): string {
    const clear = this.#columns === 0 ? '' : `${ESCAPE}2J${ESCAPE}H`;
    return clear + next.map((line) => `${line}\n`).join('');
  }
}
