import type {
  Ack,
  ClusterId,
  DatabaseUid,
  DiskId,
  EntryTrace,
  LogIndex,
  NodeId,
  Position,
  Revision,
  SessionId,
  Term,
} from '@holdfast/types';
import fc, { type Arbitrary } from 'fast-check';

/** Run counts: short by default, HOLDFAST_LONG=1 for the long form. */
export function runs(count: number): { numRuns: number } {
  return { numRuns: process.env.HOLDFAST_LONG === '1' ? count * 50 : count };
}

export type OfKind<Union extends { kind: string }, Kind extends Union['kind']> = Extract<
  Union,
  { kind: Kind }
>;
/** One arbitrary for every kind of a union: a new kind without one does not compile. */
export type ByKind<Union extends { kind: string }> = {
  [Kind in Union['kind']]: Arbitrary<OfKind<Union, Kind>>;
};

/** Without the keys that are undefined: what is absent is not there at all. */
function defined<Value extends object>(value: Value): Value {
  return Object.fromEntries(Object.entries(value).filter(([, part]) => part !== undefined)) as Value;
}

export function record<Value extends object>(
  shape: { [Key in keyof Value]-?: Arbitrary<Value[Key] | undefined> },
): Arbitrary<Value> {
  return fc.record(shape as Record<string, Arbitrary<unknown>>).map((value) => defined(value) as Value);
}

export function maybe<Value>(arbitrary: Arbitrary<Value>): Arbitrary<Value | undefined> {
  return fc.option(arbitrary, { nil: undefined });
}

export const kindOf = <Kind extends string>(kind: Kind): Arbitrary<Kind> => fc.constant(kind);

export const count: Arbitrary<number> = fc.oneof(fc.nat(300), fc.maxSafeNat());
export const positive: Arbitrary<number> = fc.oneof(
  fc.integer({ min: 1, max: 300 }),
  fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER }),
);
export const integer: Arbitrary<number> = fc.maxSafeInteger().map((value) => value + 0);
export const duration: Arbitrary<number> = fc.oneof(
  fc.nat(100_000),
  fc.double({ min: 0, max: 1e12, noNaN: true }).map((value) => value + 0),
);
export const staleness: Arbitrary<number> = fc.oneof(fc.constant(-1), duration);
export const term = count as Arbitrary<Term>;
export const index = count as Arbitrary<LogIndex>;
export const revision = count as Arbitrary<Revision>;
export const position: Arbitrary<Position> = record<Position>({ index, term });
export const bytes: Arbitrary<Uint8Array> = fc.oneof(
  fc.uint8Array({ maxLength: 24 }),
  fc.integer({ min: 0, max: 70_000 }).map((length) => new Uint8Array(length).fill(7)),
);
export const small: Arbitrary<Uint8Array> = fc.uint8Array({ maxLength: 20 });
export const text: Arbitrary<string> = fc.oneof(
  fc.string({ maxLength: 300 }),
  fc.string({ maxLength: 60, unit: 'grapheme' }),
  fc.constant('x'.repeat(2048)),
);
export const nodeId = fc.stringMatching(/^[A-Za-z0-9][A-Za-z0-9_.-]{0,62}$/) as Arbitrary<NodeId>;
export const hex: Arbitrary<string> = fc.stringMatching(/^[0-9a-f]{32}$/);
export const sessionId = fc
  .tuple(count, count, fc.nat(4096))
  .map((numbers) => numbers.join('.')) as Arbitrary<SessionId>;
export const databaseUid = hex as Arbitrary<DatabaseUid>;
export const clusterId = hex as Arbitrary<ClusterId>;
export const diskId = hex as Arbitrary<DiskId>;
export const ack: Arbitrary<Ack> = fc.constantFrom('local', 'quorum', 'all');
export const exclusion = fc.constantFrom(
  'wiped' as const,
  'disk-went-back' as const,
  'hard-state-lost' as const,
);
export const consistency = fc.constantFrom('linearizable' as const, 'session' as const, 'eventual' as const);

function hexadecimal(length: number): Arbitrary<string> {
  return fc.string({ unit: fc.constantFrom(...'0123456789abcdef'), minLength: length, maxLength: length });
}

export const traceparent: Arbitrary<string> = fc
  .tuple(hexadecimal(31), hexadecimal(15), hexadecimal(2))
  .map(([trace, span, flags]) => `00-${trace}1-2${span}-${flags}`);

export const entryTraces: Arbitrary<readonly EntryTrace[]> = fc.array(record({ index, traceparent }), {
  maxLength: 4,
});
