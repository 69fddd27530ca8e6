import type {
  Condition,
  KeyRange,
  LogIndex,
  Operation,
  RangeClearing,
  ReadItem,
  Revision,
  SessionId,
  StepResult,
  WatchEvent,
  WatchedRange,
  WriteReceipt,
  WriteRequest,
  WriteResult,
} from '@holdfast/types';

/** Does something when so many milliseconds have passed. */
type Later = (delayMs: number, work: () => void) => void;

interface Stored {
  readonly key: Uint8Array;
  readonly value: Uint8Array;
  readonly revision: Revision;
  /** As it was given: what is told does not become less. */
  readonly ttlMs: number | undefined;
}

/** Keys that one write of a clear looks at. */
export const CLEAR_KEYS = 1000;

/** The replicated state as clients can observe it, without the replication: keys, revisions, sessions. */
export class FakeState {
  revision: Revision = 0 as Revision;
  /** How often each operation was really carried out. */
  executed = 0;
  /** All mutations, oldest first. */
  readonly history: WatchEvent[] = [];
  readonly #records = new Map<string, Stored>();
  readonly #sessions = new Map<SessionId, { floor: number; receipts: Map<number, WriteReceipt> }>();
  /** Lets time pass. */
  readonly #later: Later | undefined;
  #lastSession = 0;
  #lastIndex = 0;

  constructor(later?: Later) {
    this.#later = later;
  }

  openSession(term: number): SessionId {
    this.#lastSession += 1;
    const id = `${term}.${this.#lastSession}.0` as SessionId;
    this.#sessions.set(id, { floor: 0, receipts: new Map() });
    return id;
  }

  closeSession(id: SessionId): void {
    this.#sessions.delete(id);
  }

  get sessions(): number {
    return this.#sessions.size;
  }

  /** Undefined: no such session. A repeat gets the first receipt again. */
  write(
    session: SessionId,
    floor: number,
    request: WriteRequest,
    term: number,
  ): WriteReceipt | 'closed' | undefined {
    const state = this.#sessions.get(session);
    if (state === undefined) return undefined;
    state.floor = Math.max(state.floor, floor);
    for (const sequence of state.receipts.keys())
      if (sequence <= state.floor) state.receipts.delete(sequence);
    if (request.sequence <= state.floor) return 'closed';
    const known = state.receipts.get(request.sequence);
    if (known !== undefined) return { ...known, repeated: true };
    this.#lastIndex += 1;
    const result = this.#evaluate(request);
    const last = this.history.at(-1);
    if (last !== undefined) this.history[this.history.length - 1] = { ...last, endsWrite: true };
    const receipt: WriteReceipt = {
      result,
      term: term as WriteReceipt['term'],
      index: this.#lastIndex as LogIndex,
      ack: request.ack,
      copies: 3,
      repeated: false,
    };
    state.receipts.set(request.sequence, receipt);
    return receipt;
  }

  get(key: Uint8Array): ReadItem | undefined {
    const record = this.#records.get(hex(key));
    if (record === undefined) return undefined;
    const { value, revision, ttlMs } = record;
    return ttlMs === undefined ? { value, revision } : { value, revision, ttlMs };
  }

  /** The records of now, for reads. */
  frozen(): FakeState {
    const copy = new FakeState();
    copy.revision = this.revision;
    for (const [key, record] of this.#records) copy.#records.set(key, record);
    return copy;
  }

  /** What the range holds now, in its order. */
  range(range: KeyRange): Stored[] {
    const found = [...this.#records.values()].filter(({ key }) => isWithin(key, range));
    found.sort((left, right) => Buffer.compare(left.key, right.key) * (range.reverse ? -1 : 1));
    return range.limit < 0 ? found : found.slice(0, range.limit);
  }

  #evaluate({ conditions, operations, otherwise, clear }: WriteRequest): WriteResult {
    if (clear !== undefined) return this.#clear(clear);
    const failed = conditions.findIndex((condition) => !this.#holds(condition));
    if (otherwise !== undefined) return this.#transact(failed < 0 ? 'then' : 'else', operations, otherwise);
    if (failed >= 0) {
      const revision = this.get(conditions[failed]!.key)?.revision ?? (0 as Revision);
      return { kind: 'conflict', condition: failed, revision };
    }
    let counter: number | undefined;
    for (const operation of operations) {
      if (operation.kind === 'increment') {
        const text = this.get(operation.key)?.value;
        const before = text === undefined ? 0 : Number(Buffer.from(text).toString());
        if (!Number.isSafeInteger(before + operation.by))
          return { kind: 'notAnInteger', revision: this.revision };
        counter = before + operation.by;
        this.#put(operation.key, Buffer.from(String(counter)), this.get(operation.key)?.ttlMs);
      } else if (operation.kind === 'put') {
        this.#put(operation.key, operation.value, operation.ttlMs);
      } else if (operation.kind === 'del') {
        this.#advance();
        this.#log({ kind: 'del', key: operation.key });
        this.#records.delete(hex(operation.key));
      }
    }
    const { revision } = this;
    return counter === undefined
      ? { kind: 'written', revision }
      : { kind: 'counter', value: counter, revision };
  }

  /** As many as fit in one write, of those that are old enough. */
  #clear(clear: RangeClearing): WriteResult {
    const looked = this.range({ ...clear, limit: -1, keys: true, values: true }).slice(0, CLEAR_KEYS);
    const old = looked.filter(({ revision }) => revision <= clear.upTo);
    const deleted = clear.limit < 0 ? old : old.slice(0, clear.limit);
    for (const { key } of deleted) {
      this.#advance();
      this.#log({ kind: 'del', key });
      this.#records.delete(hex(key));
    }
    const last = deleted.length < old.length ? deleted.at(-1) : looked[CLEAR_KEYS - 1];
    const result = { kind: 'cleared', deleted: deleted.length, revision: this.revision } as const;
    return last === undefined ? result : { ...result, behind: last.key };
  }

  #holds(condition: Condition): boolean {
    const found = this.get(condition.key);
    const revision = found?.revision ?? 0;
    switch (condition.kind) {
      case 'absent':
        return found === undefined;
      case 'present':
        return found !== undefined;
      case 'value':
        return found !== undefined && hex(found.value) === hex(condition.value);
      case 'revision':
        return revision === condition.revision;
      case 'atMost':
        return revision <= condition.revision;
    }
  }

  #transact(
    branch: 'then' | 'else',
    operations: readonly Operation[],
    otherwise: readonly Operation[],
  ): WriteResult {
    const steps = (branch === 'then' ? operations : otherwise).map((step): StepResult => {
      if (step.kind === 'get') {
        const found = this.get(step.key);
        return found === undefined
          ? { kind: 'missing' }
          : { kind: 'found', value: found.value, revision: found.revision };
      }
      if (step.kind === 'expire') {
        const found = this.get(step.key);
        if (found === undefined) return { kind: 'missing' };
        this.#put(step.key, found.value, step.ttlMs);
        return { kind: 'changed', revision: this.revision };
      }
      const result = this.#evaluate({ conditions: [], operations: [step] } as unknown as WriteRequest);
      return result.kind === 'counter' ? result : { kind: 'changed', revision: this.revision };
    });
    return { kind: 'transaction', branch, steps, revision: this.revision };
  }

  #log(change: { kind: 'put'; key: Uint8Array; value: Uint8Array } | { kind: 'del'; key: Uint8Array }): void {
    const previous = this.get(change.key)?.value ?? null;
    this.history.push({ ...change, revision: this.revision, endsWrite: false, previous });
  }

  #put(key: Uint8Array, value: Uint8Array, ttlMs: number | undefined): void {
    this.#advance();
    const { revision } = this;
    this.#log({ kind: 'put', key, value });
    this.#records.set(hex(key), {
      key: Uint8Array.from(key),
      value: Uint8Array.from(value),
      revision,
      ttlMs,
    });
    if (ttlMs !== undefined) this.#later?.(ttlMs, () => this.#expire(key, revision));
  }

  #expire(key: Uint8Array, revision: Revision): void {
    if (this.get(key)?.revision === revision) this.remove(key);
  }

  /** By somebody else. */
  remove(key: Uint8Array): void {
    this.#advance();
    this.history.push({
      kind: 'del',
      key,
      revision: this.revision,
      endsWrite: true,
      previous: this.get(key)?.value ?? null,
    });
    this.#records.delete(hex(key));
  }

  #advance(): void {
    this.executed += 1;
    this.revision = (this.revision + 1) as Revision;
  }
}

function hex(key: Uint8Array): string {
  return Buffer.from(key).toString('hex');
}

export function isWithin(key: Uint8Array, range: WatchedRange): boolean {
  if (range.gt !== undefined && Buffer.compare(key, range.gt) <= 0) return false;
  if (range.gte !== undefined && Buffer.compare(key, range.gte) < 0) return false;
  if (range.lt !== undefined && Buffer.compare(key, range.lt) >= 0) return false;
  return range.lte === undefined || Buffer.compare(key, range.lte) <= 0;
}
