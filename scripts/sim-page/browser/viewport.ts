/** Least time that the width shows. */
const SPAN_MS_MIN = 0.5;

/** The part of the run that is seen, and how it lies on the screen. */
export class Viewport {
  from = 0;
  to: number;
  /** Pixels. */
  left = 0;
  right = 1;
  readonly #endMs: number;

  constructor(endMs: number) {
    this.#endMs = endMs;
    this.to = endMs;
  }

  get span(): number {
    return this.to - this.from;
  }

  get pixelsPerMs(): number {
    return (this.right - this.left) / this.span;
  }

  x(ms: number): number {
    return this.left + (ms - this.from) * this.pixelsPerMs;
  }

  ms(x: number): number {
    return this.from + (x - this.left) / this.pixelsPerMs;
  }

  /** So that what was there stays under the pointer; in the middle without one. */
  zoom(factor: number, atMs: number = this.from + this.span / 2): void {
    const span = Math.min(this.#endMs, Math.max(SPAN_MS_MIN, this.span / factor));
    const share = (atMs - this.from) / this.span;
    this.show(atMs - share * span, atMs - share * span + span);
  }

  pan(ms: number): void {
    this.show(this.from + ms, this.to + ms);
  }

  fit(): void {
    this.show(0, this.#endMs);
  }

  show(from: number, to: number): void {
    const span = Math.min(this.#endMs, Math.max(SPAN_MS_MIN, to - from));
    this.from = Math.max(0, Math.min(from, this.#endMs - span));
    this.to = this.from + span;
  }

  /** If it is not well inside. */
  reveal(ms: number): void {
    const margin = this.span * 0.1;
    if (ms < this.from + margin || ms > this.to - margin) this.show(ms - this.span / 2, ms + this.span / 2);
  }
}
