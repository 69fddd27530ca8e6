import {
  assertNever,
  type LogIndex,
  type ResultRun,
  type Revision,
  type SessionId,
  type SessionRecord,
  type StepResult,
  type Term,
  type WriteResult,
} from '@holdfast/types';
import { ByteReader, ByteWriter, UnreadableBytesError } from './bytes.ts';

const FORMAT = 1;
const RUN = {
  plain: 0,
  written: 1,
  counter: 2,
  conflict: 3,
  notAnInteger: 4,
  transaction: 5,
  resultTooLarge: 6,
  cleared: 7,
} as const;
const STEP = { changed: 0, counter: 1, found: 2, missing: 3 } as const;

/** Compact, because a session is written again with every batch that touches it. The id is in the key. */
export function encodeSession(session: SessionRecord): Uint8Array {
  const writer = new ByteWriter();
  writer.u8(FORMAT);
  writer.varint(session.floor);
  writer.float64(session.usedAt);
  writer.varint(session.runs.length);
  for (const run of session.runs) encodeRun(writer, run);
  return writer.finish();
}

/** Throws `UnreadableBytesError` for anything that `encodeSession` did not write. */
export function decodeSession(id: SessionId, bytes: Uint8Array): SessionRecord {
  const reader = new ByteReader(bytes);
  const format = reader.u8();
  if (format !== FORMAT) throw new UnreadableBytesError(`session format ${format} is unknown`);
  const floor = reader.varint();
  const usedAt = reader.float64();
  const runs: ResultRun[] = [];
  for (let left = reader.varint(); left > 0; left--) runs.push(decodeRun(reader));
  reader.end();
  return { id, floor, usedAt, runs };
}

export function encodeResult(writer: ByteWriter, result: WriteResult): void {
  writer.u8(RUN[result.kind]);
  switch (result.kind) {
    case 'written':
      break;
    case 'counter':
      writer.float64(result.value);
      break;
    case 'conflict':
      writer.varint(result.condition);
      break;
    case 'notAnInteger':
    case 'resultTooLarge':
      break;
    case 'cleared':
      writer.varint(result.deleted);
      writer.u8(result.behind === undefined ? 0 : 1);
      if (result.behind !== undefined) writer.bytes(result.behind);
      break;
    case 'transaction':
      writer.u8(result.branch === 'then' ? 1 : 0);
      writer.varint(result.steps.length);
      for (const step of result.steps) encodeStep(writer, step);
      break;
    default:
      assertNever(result);
  }
  writer.varint(result.revision);
}

export function decodeResult(reader: ByteReader): WriteResult {
  return decodeResultOf(reader.u8(), reader);
}

function encodeRun(writer: ByteWriter, run: ResultRun): void {
  if (run.kind === 'plain') {
    writer.u8(RUN.plain);
    writer.varint(run.count);
    writer.varint(run.revision);
    writer.varint(run.step);
  } else {
    encodeResult(writer, run.result);
  }
  writer.varint(run.sequence);
  writer.varint(run.index);
  writer.varint(run.term);
}

function decodeRun(reader: ByteReader): ResultRun {
  const kind = reader.u8();
  if (kind === RUN.plain) {
    const count = reader.varint();
    const revision = reader.varint() as Revision;
    const step = reader.varint();
    return { kind: 'plain', count, revision, step, ...decodePlace(reader) };
  }
  const result = decodeResultOf(kind, reader);
  return { kind: 'single', result, ...decodePlace(reader) };
}

function decodePlace(reader: ByteReader): { sequence: number; index: LogIndex; term: Term } {
  const sequence = reader.varint();
  const index = reader.varint() as LogIndex;
  const term = reader.varint() as Term;
  return { sequence, index, term };
}

function decodeResultOf(kind: number, reader: ByteReader): WriteResult {
  switch (kind) {
    case RUN.written:
      return { kind: 'written', revision: reader.varint() as Revision };
    case RUN.counter: {
      const value = reader.float64();
      return { kind: 'counter', value, revision: reader.varint() as Revision };
    }
    case RUN.conflict: {
      const condition = reader.varint();
      return { kind: 'conflict', condition, revision: reader.varint() as Revision };
    }
    case RUN.notAnInteger:
      return { kind: 'notAnInteger', revision: reader.varint() as Revision };
    case RUN.resultTooLarge:
      return { kind: 'resultTooLarge', revision: reader.varint() as Revision };
    case RUN.cleared: {
      const deleted = reader.varint();
      const behind = reader.u8() === 1 ? { behind: reader.bytes() } : {};
      return { kind: 'cleared', deleted, ...behind, revision: reader.varint() as Revision };
    }
    case RUN.transaction: {
      const branch = reader.u8() === 1 ? 'then' : 'else';
      const steps: StepResult[] = [];
      for (let left = reader.varint(); left > 0; left--) steps.push(decodeStep(reader));
      return { kind: 'transaction', branch, steps, revision: reader.varint() as Revision };
    }
    default:
      throw new UnreadableBytesError(`result kind ${kind} is unknown`);
  }
}

function encodeStep(writer: ByteWriter, step: StepResult): void {
  writer.u8(STEP[step.kind]);
  if (step.kind === 'missing') return;
  writer.varint(step.revision);
  if (step.kind === 'counter') writer.float64(step.value);
  else if (step.kind === 'found') writer.bytes(step.value);
}

function decodeStep(reader: ByteReader): StepResult {
  const kind = reader.u8();
  if (kind === STEP.missing) return { kind: 'missing' };
  const revision = reader.varint() as Revision;
  switch (kind) {
    case STEP.changed:
      return { kind: 'changed', revision };
    case STEP.counter:
      return { kind: 'counter', value: reader.float64(), revision };
    case STEP.found:
      return { kind: 'found', value: reader.bytes(), revision };
    default:
      throw new UnreadableBytesError(`step kind ${kind} is unknown`);
  }
}
