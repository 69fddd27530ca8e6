import type { Disk, DiskId, NodeId, Random } from '@holdfast/types';
import { randomName, unusable } from './data-directory.ts';

/** What names a data directory, as its file has it. */
interface Names {
  readonly disk: DiskId;
  readonly node: NodeId;
}

/**
 * Who a data directory is: it stands for what the logs in it have promised. Made with the first log and never changed, but if
 * the logs are gone: then whoever the directory was is nobody any more, and it is another. To be used by the holder of the
 * directory only.
 */
export class DirectoryIdentity {
  readonly #disk: Disk;
  readonly #random: Random;
  readonly #data: string;
  readonly #node: NodeId;
  readonly #path: string;
  #id: DiskId | undefined;
  /** By this run, so that nothing was promised under it before. */
  #isMade = false;

  constructor(options: {
    readonly disk: Disk;
    readonly random: Random;
    readonly data: string;
    readonly node: NodeId;
  }) {
    this.#disk = options.disk;
    this.#random = options.random;
    this.#data = options.data;
    this.#node = options.node;
    this.#path = `${options.data}/identity.json`;
  }

  /** Undefined before it was opened. */
  get id(): DiskId | undefined {
    return this.#id;
  }

  /**
   * Reads it, or makes one. Refused with HOLDFAST_DATA_DIRECTORY_UNUSABLE if the directory belongs to another node or the
   * file cannot be understood.
   */
  async open(): Promise<DiskId> {
    if ((await this.#disk.stat(this.#path)) === undefined) return this.#make();
    const { disk, node } = parseNames(this.#path, await readFile(this.#disk, this.#path));
    if (node !== this.#node) {
      throw unusable(
        `${this.#data} belongs to node ${node}, not ${this.#node}: give ${this.#node} a directory of its own`,
      );
    }
    this.#id = disk;
    return disk;
  }

  /**
   * There is no log. It may have been taken away, and then a vote and acknowledgements are lost that others count on. Or the
   * start that made the identity was cut off before it had one, and nobody has heard of it: another will do as well.
   */
  async logIsMissing(): Promise<DiskId> {
    return this.#isMade && this.#id !== undefined ? this.#id : await this.#make();
  }

  async #make(): Promise<DiskId> {
    const names: Names = { disk: randomName(this.#random) as DiskId, node: this.#node };
    const temporary = `${this.#path}.new`;
    await this.#disk.remove(temporary);
    const file = await this.#disk.open(temporary, { create: true, exclusive: true });
    try {
      await file.write(0, new TextEncoder().encode(`${JSON.stringify(names, undefined, 2)}\n`));
      await file.sync();
    } finally {
      await file.close();
    }
    await this.#disk.rename(temporary, this.#path);
    await this.#disk.syncDirectory(this.#data);
    this.#isMade = true;
    this.#id = names.disk;
    return names.disk;
  }
}

async function readFile(disk: Disk, path: string): Promise<string> {
  const file = await disk.open(path, { readOnly: true });
  try {
    return new TextDecoder().decode(await file.read(0, await file.size()));
  } finally {
    await file.close();
  }
}

function parseNames(path: string, text: string): Names {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw unusable(`${path} is damaged; without it the directory cannot be told from another node's`, error);
  }
  const names = value as Partial<Record<keyof Names, unknown>> | null;
  const disk = names?.disk;
  const node = names?.node;
  if (typeof disk !== 'string' || !/^[0-9a-f]{32}$/.test(disk) || typeof node !== 'string') {
    throw unusable(`${path} does not name a disk and a node`);
  }
  return { disk: disk as DiskId, node: node as NodeId };
}
