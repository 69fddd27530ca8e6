import { expect, it } from 'vitest';
import { checkDocumentedErrors } from '../../scripts/checks/documented-errors.ts';
import { tree } from './tree.ts';

const SHELF = `import { Shelf } from './shelf.ts';
/** A store. */
export class Store extends Shelf {
  /** Puts it. @throws HOLDFAST_NO_PRIMARY */
  put(key: string): Promise<void>;
  put(key: string, value?: string): Promise<void> {
    return this.#put(key, value);
  }

  override get(key: string): Promise<string> {
    return super.get(key);
  }

  /** Ends it. Never rejects. */
  async close(): Promise<void> {
    if (this.#isClosed) return;
  }

  async #put(): Promise<void> {
    throw new Error();
  }

  get size(): number {
    return 0;
  }
}

export async function helper(): Promise<void> {}
`;
const BASE = `export class Shelf {
  /** {@inheritDoc Store.put} */
  take(key: string): Promise<string> {
    return key;
  }
}

export class Hidden {
  async look(): Promise<void> {}
}
`;
const good = {
  'packages/client/src/index.ts':
    "export type { Other } from '@holdfast/types';\nexport { Store } from './store.ts';",
  'packages/client/src/store.ts': SHELF,
  'packages/client/src/shelf.ts': BASE,
  'docs/errors.md': '| `HOLDFAST_NO_PRIMARY` |',
};

it('accepts what says how it fails, or cannot; and what abstract-level documents, or nobody else can see', () => {
  expect(checkDocumentedErrors(tree(good))).toEqual([]);
});

it.each([
  ['store.ts:4: Store.put: no @throws', 'store.ts', '  /** Puts it. @throws HOLDFAST_NO_PRIMARY */\n', ''],
  [
    'store.ts:5: Store.put: @throws without a code',
    'store.ts',
    '@throws HOLDFAST_NO_PRIMARY',
    '@throws if it fails',
  ],
  ['store.ts:5: Store.put: there is no HOLDFAST_GONE', 'store.ts', 'HOLDFAST_NO_PRIMARY', 'HOLDFAST_GONE'],
  ['store.ts:15: Store.close: no @throws', 'store.ts', ' Never rejects.', ''],
  ['store.ts:23: Store.size: no @throws', 'store.ts', 'return 0', 'throw this.#error'],
  ['shelf.ts:3: Shelf.take: there is no Store.puts', 'shelf.ts', 'Store.put', 'Store.puts'],
  ['store.ts:28: helper: no @throws', 'index.ts', '{ Store }', '{ Store, helper }'],
])('finds %s', (problem, name, text, changed) => {
  const path = `packages/client/src/${name}` as keyof typeof good;
  const files = { ...good, [path]: good[path].replace(text, changed) };
  expect(checkDocumentedErrors(tree(files))).toEqual([`packages/client/src/${problem}`]);
});

it('does not pass for want of what is exported', () => {
  expect(checkDocumentedErrors([])).toEqual(['packages/client/src/index.ts: nothing is exported']);
});
