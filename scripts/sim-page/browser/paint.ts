import type { LaneLayout } from './lanes.ts';
import type { Item, PageState } from './model.ts';
import type { Viewport } from './viewport.ts';

/** Where something that can be clicked was drawn. */
export type Hit = { readonly item: Item } & (
  | { readonly x: number; readonly y: number; readonly width: number; readonly height: number }
  | { readonly x1: number; readonly y1: number; readonly x2: number; readonly y2: number }
);

/** One drawing of the lanes. */
export interface Paint {
  readonly context: CanvasRenderingContext2D;
  readonly state: PageState;
  readonly view: Viewport;
  readonly layout: LaneLayout;
  readonly hits: Hit[];
  color(name: string): string;
}

export const FONT = '12px system-ui, sans-serif';
export const SMALL_FONT = '11px system-ui, sans-serif';

export function painter(parts: Omit<Paint, 'hits' | 'color'>): Paint {
  const style = getComputedStyle(document.documentElement);
  const known = new Map<string, string>();
  const color = (name: string): string => {
    let value = known.get(name);
    if (value === undefined) {
      value = style.getPropertyValue(`--${name}`).trim();
      known.set(name, value);
    }
    return value;
  };
  return { ...parts, hits: [], color };
}

/** Makes a canvas as sharp as the screen, and answers what draws on it in pixels of the page. */
export function prepare(canvas: HTMLCanvasElement, height: number): CanvasRenderingContext2D {
  const ratio = window.devicePixelRatio || 1;
  const width = canvas.clientWidth;
  canvas.style.height = `${height}px`;
  canvas.width = Math.round(width * ratio);
  canvas.height = Math.round(height * ratio);
  const context = canvas.getContext('2d')!;
  context.setTransform(ratio, 0, 0, ratio, 0, 0);
  context.clearRect(0, 0, width, height);
  context.textBaseline = 'middle';
  context.font = FONT;
  return context;
}

/** Diagonal lines over a rectangle: readable without colours. */
export function hatch(
  context: CanvasRenderingContext2D,
  box: { x: number; y: number; width: number; height: number },
  color: string,
): void {
  const { x, y, width, height } = box;
  context.save();
  context.beginPath();
  context.rect(x, y, width, height);
  context.clip();
  context.strokeStyle = color;
  context.globalAlpha = 0.55;
  context.lineWidth = 1.5;
  context.beginPath();
  const first = Math.floor((x - height) / 8) * 8;
  for (let at = first; at < x + width; at += 8) {
    context.moveTo(at, y + height);
    context.lineTo(at + height, y);
  }
  context.stroke();
  context.restore();
}

/** Text if it fits, from the first variant to the last. */
export function fittingText(
  context: CanvasRenderingContext2D,
  variants: readonly string[],
  box: { x: number; y: number; width: number },
): void {
  const text = variants.find((variant) => context.measureText(variant).width <= box.width - 8);
  if (text !== undefined) context.fillText(text, box.x + 4, box.y);
}
