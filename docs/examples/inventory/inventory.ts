import type { Holdfast } from '@holdfast/client';

export interface Line {
  readonly item: string;
  readonly count: number;
}

export type Placed =
  | { readonly placed: true }
  /** Nothing was taken. */
  | { readonly placed: false; readonly missing: string };

/** Stock, and orders that take from it: all of an order or nothing, never below zero, each order once. */
export class Inventory {
  readonly #stock;
  readonly #orders;

  constructor(db: Holdfast) {
    this.#stock = db.sublevel('stock');
    this.#orders = db.sublevel<string, readonly Line[]>('orders', { valueEncoding: 'json' });
  }

  /** Counts added by increments never conflict with each other. */
  async receive(item: string, count: number): Promise<number> {
    return (await this.#stock.increment(item, count)).value;
  }

  async inStock(item: string): Promise<number> {
    return Number((await this.#stock.get(item)) ?? 0);
  }

  /** May be called again after any error, `unknown` ones too: an order that was placed is not placed again. */
  async place(order: string, lines: readonly Line[]): Promise<Placed> {
    for (;;) {
      const stock = await Promise.all(lines.map(({ item }) => this.#stock.read(item)));
      const short = lines.find(({ count }, at) => Number(stock[at]?.value ?? 0) < count);
      const { branch, steps } = await this.#stock.transaction<string, string | readonly Line[]>({
        if: [
          { sublevel: this.#orders, key: order, absent: true },
          ...lines.map(({ item }, at) => ({ key: item, revision: stock[at]?.revision ?? 0 })),
        ],
        // If something is short, nothing is done, but what was read is known to have been true at one moment.
        then:
          short !== undefined
            ? []
            : [
                { type: 'put', sublevel: this.#orders, key: order, value: lines, valueEncoding: 'json' },
                ...lines.map(({ item, count }) => ({ type: 'increment', key: item, by: -count }) as const),
              ],
        else: [{ type: 'get', sublevel: this.#orders, key: order, valueEncoding: 'json' }],
      });
      if (branch === 'then')
        return short === undefined ? { placed: true } : { placed: false, missing: short.item };
      const [known] = steps;
      if (known?.type === 'get' && known.value !== undefined) return { placed: true };
      // Somebody else took from the same items in between: look again.
    }
  }
}
