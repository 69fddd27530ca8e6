import type { Random } from '@holdfast/types';

/** In thousandths: what is drawn is read by people too. */
export function between(random: Random, min: number, max: number): number {
  return rounded(min + random.next() * (max - min));
}

/** As likely to lie between 1 and 10 as between 10 and 100. */
export function logUniform(random: Random, min: number, max: number): number {
  return rounded(min * (max / min) ** random.next());
}

export function pick<Item>(random: Random, items: readonly Item[]): Item {
  return items[Math.floor(random.next() * items.length)]!;
}

function rounded(value: number): number {
  return Math.round(value * 1000) / 1000;
}
