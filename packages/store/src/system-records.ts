import type {
  LogIndex,
  Position,
  Revision,
  SessionId,
  SessionRecord,
  Term,
  TermStart,
} from '@holdfast/types';
import { ByteReader, ByteWriter, UnreadableBytesError } from './bytes.ts';
import {
  CHECKPOINT_KEY,
  FORMAT_KEY,
  historyKey,
  POSITION_KEY,
  SYSTEM_RANGE,
  sessionKey,
  systemKeyKind,
  USER_RANGE,
} from './keys.ts';
import type { LevelLike, LevelOperation, LevelSnapshot } from './level-like.ts';
import { open, seal, UnreadableRecordError } from './record.ts';
import { decodeSession, encodeSession } from './session-codec.ts';

/** Of the whole layout: keys, records and system records. Another one is refused. */
const STORE_FORMAT = 1;
const PAGE_ITEMS = 256;

/** Where a store stands: written in the same batch as the effects it speaks of. */
export interface StoredPosition {
  readonly applied: Position;
  readonly revision: Revision;
  readonly logTime: number;
}

/** Everything but user data. */
export interface SystemState extends StoredPosition {
  readonly checkpoint: Position;
  readonly sessions: readonly SessionRecord[];
  readonly history: readonly TermStart[];
}

const NO_POSITION: Position = { index: 0 as LogIndex, term: 0 as Term };

export const EMPTY_STATE: SystemState = {
  applied: NO_POSITION,
  revision: 0 as Revision,
  logTime: 0,
  checkpoint: NO_POSITION,
  sessions: [],
  history: [],
};

export function putFormat(): LevelOperation {
  return putSealed(FORMAT_KEY, Uint8Array.of(STORE_FORMAT));
}

export function putPosition(position: StoredPosition): LevelOperation {
  const writer = new ByteWriter();
  writer.varint(position.applied.index);
  writer.varint(position.applied.term);
  writer.varint(position.revision);
  writer.float64(position.logTime);
  return putSealed(POSITION_KEY, writer.finish());
}

export function putCheckpoint(position: Position): LevelOperation {
  const writer = new ByteWriter();
  writer.varint(position.index);
  writer.varint(position.term);
  return putSealed(CHECKPOINT_KEY, writer.finish());
}

export function putSession(session: SessionRecord): LevelOperation {
  return putSealed(sessionKey(session.id), encodeSession(session));
}

export function putTermStart(start: TermStart): LevelOperation {
  const writer = new ByteWriter();
  writer.varint(start.term);
  writer.varint(start.firstIndex);
  writer.varint(start.firstRevision);
  return putSealed(historyKey(start.term), writer.finish());
}

/** The position as of `snapshot`, or of now; undefined in a store without one. */
export function readPosition(level: LevelLike, snapshot?: LevelSnapshot): StoredPosition | undefined {
  const stored = level.getSync(POSITION_KEY, snapshot === undefined ? {} : { snapshot });
  return stored === undefined ? undefined : positionOf(stored);
}

/** Reads a position record. */
export function positionOf(stored: Uint8Array): StoredPosition {
  return decodePosition(open(POSITION_KEY, stored));
}

/** Reads a checkpoint record. */
export function checkpointOf(stored: Uint8Array): Position {
  return decodePlace(open(CHECKPOINT_KEY, stored));
}

/**
 * Reads all system records of an opened level. Undefined: it holds nothing at all.
 * Throws `UnreadableRecordError` if any is unreadable, unknown or missing: nothing is ever guessed,
 * and least of all is a store that lost its position taken for an empty one.
 */
export async function readSystemState(level: LevelLike): Promise<SystemState | undefined> {
  const reading = new SystemReading();
  const [first, end] = SYSTEM_RANGE;
  const iterator = level.iterator({ gte: first, lt: end });
  try {
    for (;;) {
      const page = await iterator.nextv(PAGE_ITEMS);
      if (page.length === 0) break;
      for (const [key, value] of page) reading.take(key!, value!);
    }
  } catch (error) {
    if (error instanceof UnreadableBytesError)
      throw new UnreadableRecordError(`a system record is unreadable: ${error.message}`);
    throw error;
  } finally {
    await iterator.close();
  }
  return reading.finish(await holdsUserData(level));
}

class SystemReading {
  #format = false;
  #position: StoredPosition | undefined;
  #checkpoint: Position = NO_POSITION;
  readonly #sessions: SessionRecord[] = [];
  readonly #history: TermStart[] = [];
  #records = 0;

  take(key: Uint8Array, stored: Uint8Array): void {
    this.#records += 1;
    const payload = open(key, stored);
    const kind = systemKeyKind(key);
    switch (kind) {
      case 'format':
        if (payload[0] !== STORE_FORMAT)
          throw new UnreadableRecordError(`store format ${payload[0]} is unknown`);
        this.#format = true;
        return;
      case 'position':
        this.#position = decodePosition(payload);
        return;
      case 'checkpoint':
        this.#checkpoint = decodePlace(payload);
        return;
      case 'session':
        this.#sessions.push(
          decodeSession(Buffer.from(key.subarray(2)).toString('utf8') as SessionId, payload),
        );
        return;
      case 'history':
        this.#history.push(decodeTermStart(payload));
        return;
      case undefined:
        throw new UnreadableRecordError('a system record is of an unknown kind');
    }
  }

  finish(userData: boolean): SystemState | undefined {
    if (this.#records === 0 && !userData) return undefined;
    if (!this.#format) throw new UnreadableRecordError('there are records, but none that says their format');
    const position = this.#position;
    if (position === undefined) {
      if (this.#records === 1 && !userData) return EMPTY_STATE;
      throw new UnreadableRecordError('there are records, but none that says their position');
    }
    if (this.#checkpoint.index > position.applied.index) {
      throw new UnreadableRecordError('the position is older than the checkpoint');
    }
    return { ...position, checkpoint: this.#checkpoint, sessions: this.#sessions, history: this.#history };
  }
}

function decodePosition(payload: Uint8Array): StoredPosition {
  const reader = new ByteReader(payload);
  const applied = { index: reader.varint() as LogIndex, term: reader.varint() as Term };
  const revision = reader.varint() as Revision;
  const logTime = reader.float64();
  reader.end();
  return { applied, revision, logTime };
}

function decodePlace(payload: Uint8Array): Position {
  const reader = new ByteReader(payload);
  const position = { index: reader.varint() as LogIndex, term: reader.varint() as Term };
  reader.end();
  return position;
}

function decodeTermStart(payload: Uint8Array): TermStart {
  const reader = new ByteReader(payload);
  const term = reader.varint() as Term;
  const firstIndex = reader.varint() as LogIndex;
  const firstRevision = reader.varint() as Revision;
  reader.end();
  return { term, firstIndex, firstRevision };
}

function putSealed(key: Uint8Array, payload: Uint8Array): LevelOperation {
  return { type: 'put', key, value: seal(key, payload) };
}

async function holdsUserData(level: LevelLike): Promise<boolean> {
  const [first, end] = USER_RANGE;
  const iterator = level.iterator({ gte: first, lt: end, values: false });
  try {
    return (await iterator.nextv(1)).length > 0;
  } finally {
    await iterator.close();
  }
}
