import { hostname } from 'node:os';
import type { Seams } from '../seams.ts';

/** Who holds something, as it is kept under its key; for people, but for `id` and `value`. */
export interface HolderRecord {
  /** Of this one holding, drawn at random: no two records are alike. */
  readonly id: string;
  /** The client's `name`, and where its process runs if that is a real one. */
  readonly client: string;
  readonly host?: string | undefined;
  readonly pid?: number | undefined;
  /** By its wall clock, milliseconds since 1970. */
  readonly since: number;
  /** What it announces, as JSON. */
  readonly value?: unknown;
}

export function encodedRecord(record: HolderRecord): Buffer {
  return Buffer.from(JSON.stringify(record));
}

/** Undefined: it is none. */
export function decodedRecord(bytes: Uint8Array): HolderRecord | undefined {
  try {
    const record = JSON.parse(Buffer.from(bytes).toString()) as Partial<HolderRecord> | null;
    const { id, client, since } = record ?? {};
    const isRecord = typeof id === 'string' && typeof client === 'string' && typeof since === 'number';
    return isRecord ? (record as HolderRecord) : undefined;
  } catch {
    return undefined;
  }
}

/** Where it runs is told of a real process only: in a simulation a run must not depend on the machine. */
export function holderOf(options: {
  readonly name?: string | undefined;
  readonly seams?: Seams | undefined;
}): Pick<HolderRecord, 'client' | 'host' | 'pid'> {
  const client = options.name ?? 'holdfast-client';
  return options.seams === undefined ? { client, host: hostname(), pid: process.pid } : { client };
}
