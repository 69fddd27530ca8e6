import type { Ack } from '@holdfast/types';
import type { AccountingResult, FoundValue, ListedMutation } from './accounting.ts';

export interface AccountedWrite {
  readonly key: string;
  /** Undefined: a delete. */
  readonly value: string | undefined;
  /** What the client was told. */
  state:
    | { readonly kind: 'open' }
    | { readonly kind: 'acknowledged'; readonly revision: number; readonly ack: Ack }
    | { readonly kind: 'failed' }
    | { readonly kind: 'unknown' };
}

export interface WriteVerdict {
  readonly fates: AccountingResult['fates'];
  readonly unknownFound: number;
  readonly problems: readonly string[];
}

type Fate = keyof AccountingResult['fates'];

interface KeyWrites {
  readonly byValue: Map<string | undefined, AccountedWrite[]>;
  readonly all: AccountedWrite[];
}

/** What is there of one key in the end: a value or none, and the list of its diverged mutations. */
interface KeyFound {
  readonly key: string;
  readonly value: FoundValue | undefined;
  readonly listed: readonly ListedMutation[];
}

/** Plain writes and what became of them. */
export class WriteLedger {
  readonly #keys = new Map<string, KeyWrites>();
  readonly #writes: AccountedWrite[] = [];

  get writes(): readonly AccountedWrite[] {
    return this.#writes;
  }

  keys(): Iterable<string> {
    return this.#keys.keys();
  }

  open(key: string, value: string | undefined): AccountedWrite {
    const writes: KeyWrites = this.#keys.get(key) ?? { byValue: new Map(), all: [] };
    this.#keys.set(key, writes);
    const same = writes.byValue.get(value) ?? [];
    if (value !== undefined && same.length > 0)
      throw new Error(`value ${value} of key ${key} was used before`);
    const write: AccountedWrite = { key, value, state: { kind: 'open' } };
    writes.byValue.set(value, [...same, write]);
    writes.all.push(write);
    this.#writes.push(write);
    return write;
  }

  settle(write: AccountedWrite, state: AccountedWrite['state']): void {
    if (write.state.kind !== 'open') throw new Error(`${describe(write)} was answered already`);
    write.state = state;
  }

  judge(found: {
    values: ReadonlyMap<string, FoundValue | undefined>;
    listed: readonly ListedMutation[];
  }): WriteVerdict {
    const fates: Record<Fate, number> = { survived: 0, overwritten: 0, listed: 0, lost: 0, twice: 0 };
    const problems: string[] = [];
    let unknownFound = 0;
    const listedByKey = Map.groupBy(found.listed, ({ key }) => key);
    for (const [key, writes] of this.#keys) {
      const keyFound = { key, value: found.values.get(key), listed: listedByKey.get(key) ?? [] };
      problems.push(
        ...sharedRevisions(writes),
        ...judgeFound(writes, keyFound),
        ...judgeListed(writes, keyFound),
      );
      for (const write of writes.all) {
        if (write.state.kind === 'acknowledged') {
          const fate = fateOf(write, write.state, writes, keyFound);
          fates[fate.kind] += 1;
          if (fate.problem !== undefined) problems.push(`${describe(write)}: ${fate.problem}`);
        } else if (write.state.kind !== 'failed' && isThere(write, keyFound.value)) unknownFound += 1;
      }
    }
    for (const { key, id } of found.listed) {
      if (!this.#keys.has(key)) problems.push(`diverged entry ${id} lists key ${key}, which nobody wrote`);
    }
    return { fates, unknownFound, problems };
  }
}

/** What became of an acknowledged write, and what is wrong with that. */
function fateOf(
  write: AccountedWrite,
  { revision, ack }: Extract<AccountedWrite['state'], { kind: 'acknowledged' }>,
  writes: KeyWrites,
  found: KeyFound,
): { kind: Fate; problem?: string } {
  const lines = found.listed.filter((mutation) => mutation.revision === revision);
  const isReapplied = lines.some((line) => line.isReapplied === true);
  if (lines.length > 1) return { kind: 'twice', problem: `listed as diverged ${lines.length} times` };
  if (lines.length === 1 && ack !== 'local')
    return { kind: 'lost', problem: 'listed as diverged in spite of its level' };
  // That a key is absent does not tell which of its deletes did it, so a listed one is not held against that.
  const isAbsent =
    write.value === undefined && found.value === undefined && (lines.length === 0 || isReapplied);
  if (isAbsent) return { kind: 'survived' };
  if (isThere(write, found.value)) {
    const at = found.value?.revision;
    if (lines.length === 1 && !isReapplied)
      return { kind: 'twice', problem: `found and listed as diverged (${lines[0]?.id})` };
    if (at !== undefined && !isReapplied && at !== revision) {
      return {
        kind: 'twice',
        problem: `found at revision ${at}: applied again, or at another place than was said`,
      };
    }
    return { kind: 'survived' };
  }
  if (lines.length === 1 && !isReapplied) return { kind: 'listed' };
  if (isOverwritten(revision, writes, found)) return { kind: 'overwritten' };
  const what = isReapplied ? 'written again by an operator, but' : 'not listed as diverged, and';
  return { kind: 'lost', problem: `${what} the key ${describeFound(found.value)}` };
}

/** Is what is there the work of another write that may be newer than `revision`? */
function isOverwritten(revision: number, writes: KeyWrites, { value, listed }: KeyFound): boolean {
  if (value !== undefined) return value.revision > revision && writes.byValue.has(value.value);
  return (writes.byValue.get(undefined) ?? []).some(({ state }) => {
    if (state.kind !== 'acknowledged') return state.kind !== 'failed';
    const { revision: deletedAt } = state;
    return (
      deletedAt > revision && !listed.some((line) => line.revision === deletedAt && line.isReapplied !== true)
    );
  });
}

/** The value found must be some write's that did not fail, and not older than one that must have survived. */
function judgeFound(writes: KeyWrites, { key, value }: KeyFound): string[] {
  if (value === undefined) return [];
  const write = writes.byValue.get(value.value)?.[0];
  if (write === undefined) return [`key ${key} ${describeFound(value)}, which nobody wrote`];
  return write.state.kind === 'failed' ? [`${describe(write)}: found at revision ${value.revision}`] : [];
}

/** Each listed mutation must be one that was written, and did not fail. */
function judgeListed(writes: KeyWrites, { key, listed, value }: KeyFound): string[] {
  const problems: string[] = [];
  for (const line of listed) {
    const candidates = writes.byValue.get(line.value) ?? [];
    const what = `diverged entry ${line.id} lists ${describe({ key, value: line.value })} at revision ${line.revision}`;
    const acknowledged = writes.all.find(
      ({ state }) => state.kind === 'acknowledged' && state.revision === line.revision,
    );
    if (acknowledged !== undefined) {
      if (acknowledged.value !== line.value) problems.push(`${what}, which was ${describe(acknowledged)}`);
      continue;
    }
    const possible = candidates.filter(({ state }) => state.kind === 'unknown' || state.kind === 'open');
    if (possible.length === 0)
      problems.push(`${what}, which ${candidates.length === 0 ? 'nobody wrote' : 'was answered otherwise'}`);
    else if (line.isReapplied !== true && line.value !== undefined && value?.value === line.value) {
      problems.push(`${what}, and it is found too`);
    }
  }
  return problems;
}

function sharedRevisions(writes: KeyWrites): string[] {
  const seen = new Map<number, AccountedWrite>();
  const problems: string[] = [];
  for (const write of writes.all) {
    if (write.state.kind !== 'acknowledged') continue;
    const other = seen.get(write.state.revision);
    if (other !== undefined) problems.push(`${describe(write)}: has the revision of ${describe(other)}`);
    seen.set(write.state.revision, write);
  }
  return problems;
}

function isThere(write: AccountedWrite, value: FoundValue | undefined): boolean {
  return write.value !== undefined && value?.value === write.value;
}

function describe({
  key,
  value,
  state,
}: Pick<AccountedWrite, 'key' | 'value'> & Partial<AccountedWrite>): string {
  const what = value === undefined ? `delete ${key}` : `put ${key} = ${value}`;
  if (state === undefined) return what;
  return state.kind === 'acknowledged'
    ? `${what} (${state.ack}, revision ${state.revision})`
    : `${what} (${state.kind})`;
}

function describeFound(value: FoundValue | undefined): string {
  return value === undefined ? 'is absent' : `holds ${value.value} at revision ${value.revision}`;
}
