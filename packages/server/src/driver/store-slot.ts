import { Store, type StoreOptions } from '@holdfast/store';
import { assert, type Disk, HoldfastError, type StoreState } from '@holdfast/types';

export interface StoreSlotOptions extends Omit<StoreOptions, 'directory'> {
  /** Directory of the database: its stores lie in it. */
  readonly databaseDirectory: string;
}

interface OpenStore {
  readonly name: string;
  readonly store: Store;
  readonly state: StoreState;
  readonly usable: boolean;
  readonly reason: string | undefined;
}

const FIRST_NAME = 'store';
const NAME_PATTERN = /^store(?:-([1-9]\d{0,8}))?$/;

/**
 * The store of a database and the directories it may lie in: `store`, then `store-<n>` for each snapshot that was
 * installed. The log's base record says which one counts; whatever else is found was left behind by a crash.
 */
export class StoreSlot {
  readonly #options: StoreSlotOptions;
  #current: OpenStore;
  #lastNumber: number;

  private constructor(options: StoreSlotOptions, current: OpenStore, lastNumber: number) {
    this.#options = options;
    this.#current = current;
    this.#lastNumber = lastNumber;
  }

  /**
   * Opens every store of the database, oldest first: each holds a lock for as long as it is open, so the node has
   * the database to itself from here on. HOLDFAST_DATA_DIRECTORY_IN_USE if another process has it.
   */
  static async lock(options: StoreSlotOptions): Promise<LockedStores> {
    await options.disk.makeDirectory(options.databaseDirectory);
    const names = await namesIn(options);
    if (names.length === 0) names.push(FIRST_NAME);
    const opened: OpenStore[] = [];
    try {
      for (const name of names) opened.push(await openStore(options, name));
    } catch (error) {
      for (const { store } of opened) await store.close();
      throw error;
    }
    return {
      close: async () => {
        for (const { store } of opened) await store.close();
      },
      choose: async (directory) => {
        const name = directory ?? FIRST_NAME;
        // The one that counts, too: its directory may be gone, and none may ever be built in its place while it is in use.
        const lastNumber = Math.max(...names.map(numberOf), numberOf(name));
        for (const other of opened) if (other.name !== name) await dispose(options, other);
        let current = opened.find((candidate) => candidate.name === name);
        if (current === undefined) {
          current = await openStore(options, name);
          opened.push(current);
        }
        return new StoreSlot(options, current, lastNumber);
      },
    };
  }

  get store(): Store {
    return this.#current.store;
  }

  get directory(): string {
    return this.pathOf(this.#current.name);
  }

  /** As it was opened. */
  get recovered(): {
    readonly state: StoreState;
    readonly usable: boolean;
    readonly reason: string | undefined;
  } {
    return this.#current;
  }

  /** Name of a directory for the next snapshot received; not made yet. */
  nextName(): string {
    this.#lastNumber += 1;
    return `${FIRST_NAME}-${this.#lastNumber}`;
  }

  pathOf(name: string): string {
    assert(NAME_PATTERN.test(name), `not a store directory: ${name}`);
    return `${this.#options.databaseDirectory}/${name}`;
  }

  /** Opens the store in `name` and puts it in the place of the current one, which it returns, still open. */
  async replace(name: string): Promise<{ retire(): Promise<void> }> {
    const old = this.#current;
    const next = await openStore(this.#options, name);
    if (!next.usable) {
      await next.store.close();
      throw new HoldfastError(
        'HOLDFAST_CORRUPT_LOG',
        `the snapshot in ${name} cannot be used: ${next.reason}`,
      );
    }
    this.#current = next;
    return { retire: () => dispose(this.#options, old) };
  }

  async discard(name: string): Promise<void> {
    assert(name !== this.#current.name, 'the store in use is not discarded');
    await removeDirectory(this.#options, name);
  }

  async close(): Promise<void> {
    await this.#current.store.close();
  }
}

/** All stores found, open and thereby locked, until the log has said which one counts. */
export interface LockedStores {
  /** Keeps the one in `directory` (undefined: the first one) and removes the others. */
  choose(directory: string | undefined): Promise<StoreSlot>;
  close(): Promise<void>;
}

/**
 * Removes what cut-off snapshots left behind, unopened, for opening takes room. `base`: asked only if there may be any;
 * what the log is based on, undefined if that cannot be told. A snapshot that the log does not know has a higher number.
 */
export async function removeLeftovers(
  options: Pick<StoreSlotOptions, 'disk' | 'databaseDirectory'>,
  base: () => Promise<{ readonly directory: string | undefined } | undefined>,
): Promise<void> {
  const names = await namesIn(options);
  if (names.length < 2) return;
  const found = await base();
  if (found === undefined) return;
  const last = numberOf(found.directory ?? FIRST_NAME);
  for (const name of names) if (numberOf(name) > last) await removeDirectory(options, name);
}

/** The oldest first. */
async function namesIn(options: Pick<StoreSlotOptions, 'disk' | 'databaseDirectory'>): Promise<string[]> {
  const names = await options.disk.list(options.databaseDirectory);
  return names
    .filter((name) => NAME_PATTERN.test(name))
    .sort((left, right) => numberOf(left) - numberOf(right));
}

async function openStore(options: StoreSlotOptions, name: string): Promise<OpenStore> {
  const directory = `${options.databaseDirectory}/${name}`;
  const { store, state, usable, reason } = await Store.open({ ...options, directory });
  return { name, store, state, usable, reason };
}

async function dispose(options: StoreSlotOptions, opened: OpenStore): Promise<void> {
  await opened.store.close();
  await removeDirectory(options, opened.name);
}

async function removeDirectory(
  options: { disk: Disk; databaseDirectory: string },
  name: string,
): Promise<void> {
  await options.disk.remove(`${options.databaseDirectory}/${name}`);
  await options.disk.syncDirectory(options.databaseDirectory);
}

function numberOf(name: string): number {
  return Number(NAME_PATTERN.exec(name)?.[1] ?? 0);
}
