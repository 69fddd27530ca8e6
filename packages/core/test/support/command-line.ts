import type { Ack, Condition, NodeId, Operation, RangeClearing, Revision } from '@holdfast/types';
import { REVISION_GAP } from '@holdfast/types';
import type { ProposedWrite } from '../../src/api.ts';
import { bytes } from './entries.ts';

/** A command taken apart: `name word word option=value`. */
export class CommandLine {
  readonly name: string;
  readonly words: readonly string[];
  readonly #options: Map<string, string> = new Map();
  readonly #used: Set<string> = new Set();

  constructor(line: string) {
    const [name, ...rest] = line.trim().split(/\s+/);
    this.name = name!;
    const words: string[] = [];
    for (const word of rest) {
      const at = word.indexOf('=');
      if (at > 0) this.#options.set(word.slice(0, at), word.slice(at + 1));
      else words.push(word);
    }
    this.words = words;
  }

  text(option: string): string | undefined {
    this.#used.add(option);
    return this.#options.get(option);
  }

  number(option: string, otherwise: number): number {
    const value = this.text(option);
    return value === undefined ? otherwise : Number(value);
  }

  /** Options whose name begins with `prefix`, without it. */
  group(prefix: string): Record<string, number> {
    const found: Record<string, number> = {};
    for (const [name, value] of this.#options) {
      if (!name.startsWith(prefix)) continue;
      this.#used.add(name);
      found[name.slice(prefix.length)] = Number(value);
    }
    return found;
  }

  assertAllUsed(): void {
    for (const option of this.#options.keys())
      if (!this.#used.has(option)) throw new Error(`unknown option ${option}=`);
  }
}

/** `17`, or `2g+5` as revisions are printed. */
export function parseRevision(text: string): Revision {
  const [, gaps, rest] = /^(?:(\d+)g\+)?(\d+)$/.exec(text) ?? [];
  if (rest === undefined) throw new Error(`not a revision: ${text}`);
  return (Number(gaps ?? 0) * REVISION_GAP + Number(rest)) as Revision;
}

export function parseNodes(text: string): NodeId[] {
  return text.split(',') as NodeId[];
}

/**
 * `put a=1 put b=*70000 (so many bytes) del b incr n=2 if a=1g+2 is a=1 absent b present b atMost c=7 seq=3 ack=local`: one
 * request of a frame; `put a=1 ttl=500`. With `else`, which what is done otherwise follows, it is a transaction and takes
 * `get a`, `expire a=500` and `expire a`, too. Or `clear a..c upTo=1g+5 limit=2 reverse`, with its bounds after `..` and
 * before optional, and the first one exclusive as `>a..c`.
 */
export function parseWrite(
  line: string,
  defaults: { readonly id: number; readonly sequence: number; readonly ack: Ack; readonly deadline: number },
): ProposedWrite {
  const words = line.trim().split(/\s+/);
  if (words[0] === 'clear') return parseClear(words, defaults);
  const operations: Operation[] = [];
  const conditions: Condition[] = [];
  let otherwise: Operation[] | undefined;
  let { sequence, ack } = defaults;
  for (let at = 0; at < words.length; at++) {
    const word = words[at]!;
    if (word.startsWith('seq=')) sequence = Number(word.slice(4));
    else if (word.startsWith('ack=')) ack = word.slice(4) as Ack;
    else if (word === 'else') otherwise = [];
    else if (word.startsWith('ttl=')) timeLastPut(otherwise ?? operations, Number(word.slice(4)));
    else parseStep(word, words[++at] ?? '', { operations: otherwise ?? operations, conditions });
  }
  const write = { id: defaults.id, sequence, ack, deadline: defaults.deadline, conditions, operations };
  return otherwise === undefined ? write : { ...write, otherwise };
}

function parseClear(
  words: readonly string[],
  { id, sequence, ack, deadline }: Pick<ProposedWrite, 'id' | 'sequence' | 'ack' | 'deadline'>,
): ProposedWrite {
  const [first = '', last = ''] = words[1]!.split('..');
  const setting = (name: string): string | undefined =>
    words.find((word) => word.startsWith(`${name}=`))?.slice(name.length + 1);
  const clear: RangeClearing = {
    ...(first.startsWith('>') ? { gt: bytes(first.slice(1)) } : first === '' ? {} : { gte: bytes(first) }),
    ...(last === '' ? {} : { lt: bytes(last) }),
    reverse: words.includes('reverse'),
    limit: Number(setting('limit') ?? -1),
    upTo: parseRevision(setting('upTo')!),
  };
  return {
    id,
    sequence: Number(setting('seq') ?? sequence),
    ack: (setting('ack') ?? ack) as Ack,
    deadline,
    conditions: [],
    operations: [],
    clear,
  };
}

function timeLastPut(operations: Operation[], ttlMs: number): void {
  const last = operations.pop();
  if (last?.kind !== 'put') throw new Error('ttl= stands behind a put');
  operations.push({ ...last, ttlMs });
}

function parseStep(
  word: string,
  argument: string,
  request: { readonly operations: Operation[]; readonly conditions: Condition[] },
): void {
  const [name = '', text = ''] = argument.split('=');
  const value = text.startsWith('*') ? 'x'.repeat(Number(text.slice(1))) : text;
  const key = bytes(name);
  switch (word) {
    case 'put':
      request.operations.push({ kind: 'put', key, value: bytes(value) });
      return;
    case 'del':
      request.operations.push({ kind: 'del', key });
      return;
    case 'incr':
      request.operations.push({ kind: 'increment', key, by: Number(value) });
      return;
    case 'get':
      request.operations.push({ kind: 'get', key });
      return;
    case 'expire':
      request.operations.push(
        text === '' ? { kind: 'expire', key } : { kind: 'expire', key, ttlMs: Number(text) },
      );
      return;
    case 'present':
      request.conditions.push({ kind: 'present', key });
      return;
    case 'is':
      request.conditions.push({ kind: 'value', key, value: bytes(value) });
      return;
    case 'if':
      request.conditions.push({ kind: 'revision', key, revision: parseRevision(value) });
      return;
    case 'absent':
      request.conditions.push({ kind: 'absent', key });
      return;
    case 'atMost':
      request.conditions.push({ kind: 'atMost', key, revision: parseRevision(value) });
      return;
    default:
      throw new Error(`not a step of a write: ${word}`);
  }
}
