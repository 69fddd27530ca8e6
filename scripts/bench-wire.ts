/** Prints the cost of the codec per frame and per write: `pnpm exec node scripts/bench-wire.ts`. */
import { performance } from 'node:perf_hooks';
import type {
  ClientMessage,
  DatabaseUid,
  Entry,
  EntryRequest,
  LogIndex,
  Revision,
  ServerMessage,
  SessionId,
  Term,
} from '@holdfast/types';
import {
  decodeClientMessages,
  decodePeerFrame,
  decodeServerMessages,
  EntryCodec,
  encodeClientMessages,
  encodePeerFrame,
  encodeServerMessages,
} from '@holdfast/wire';

const WRITES = 64;
const SESSION = '1.2.0' as SessionId;
const key = (number: number): Uint8Array => Buffer.from(`key${String(number).padStart(13, '0')}`);
const value = Buffer.alloc(100, 'v');

const requests: EntryRequest[] = Array.from({ length: WRITES }, (_, number) => ({
  kind: 'write',
  session: SESSION,
  sequence: number + 1,
  floor: 0,
  ack: 'quorum',
  mutations: [{ kind: 'put', key: key(number), value }],
  result: { kind: 'written', revision: (100 + number) as Revision },
}));

const entry: Entry = {
  database: 'd'.repeat(32) as DatabaseUid,
  index: 12_345 as LogIndex,
  term: 3 as Term,
  previousTerm: 3 as Term,
  logTime: 1234.5,
  firstRevision: 100 as Revision,
  body: { kind: 'requests', requests },
};

const write: ClientMessage = {
  kind: 'write',
  session: SESSION,
  floor: 0,
  requests: Array.from({ length: WRITES }, (_, number) => ({
    id: number,
    sequence: number + 1,
    ack: 'quorum',
    remainingMs: 5000,
    conditions: [],
    operations: [{ kind: 'put', key: key(number), value }],
  })),
};

const replies: ServerMessage = {
  kind: 'writeReplies',
  replies: Array.from({ length: WRITES }, (_, number) => ({
    id: number,
    receipt: {
      result: { kind: 'written', revision: (100 + number) as Revision },
      term: 3 as Term,
      index: 12_345 as LogIndex,
      ack: 'quorum',
      copies: 2,
      repeated: false,
    },
  })),
};

const read: ClientMessage = {
  kind: 'read',
  reads: Array.from({ length: WRITES }, (_, number) => ({
    id: number,
    consistency: 'linearizable',
    remainingMs: 5000,
    keys: [key(number)],
    token: 0 as Revision,
  })),
};

const answers: ServerMessage = {
  kind: 'readReplies',
  replies: Array.from({ length: WRITES }, (_, number) => ({
    id: number,
    answer: {
      items: [{ value, revision: (100 + number) as Revision }],
      revision: 900 as Revision,
      stalenessMs: 0,
    },
  })),
};

const entryBytes = new EntryCodec().encode(entry);
const codec = new EntryCodec();
const append = {
  kind: 'append',
  term: entry.term,
  previous: { index: entry.index, term: entry.term },
  entries: [entry],
  commit: entry.index,
} as const;
const frame = encodePeerFrame({ database: entry.database, messages: [append] }, codec);
const clientFrame = encodeClientMessages([write]);
const replyFrame = encodeServerMessages([replies]);
const readFrame = encodeClientMessages([read]);
const answerFrame = encodeServerMessages([answers]);

/** Median of nine rounds, after a warm-up. */
function measure(name: string, bytes: number, operation: () => unknown): void {
  const rounds: number[] = [];
  for (let round = 0; round < 12; round += 1) {
    const started = performance.now();
    for (let repeat = 0; repeat < 1000; repeat += 1) operation();
    if (round >= 3) rounds.push((performance.now() - started) * 1000);
  }
  rounds.sort((left, right) => left - right);
  const perFrame = rounds[4]!;
  const columns = [
    name.padEnd(30),
    `${bytes}`.padStart(7),
    perFrame.toFixed(0).padStart(9),
    (perFrame / WRITES).toFixed(0).padStart(9),
  ];
  console.log(columns.join(' '));
}

console.log(`${'operation (64 to a frame)'.padEnd(30)}   bytes  ns/frame ns/record`);
measure('entry encode', entryBytes.length, () => new EntryCodec().encode(entry));
measure('entry decode', entryBytes.length, () => codec.decode(entryBytes));
measure('append frame encode', frame.length, () =>
  encodePeerFrame({ database: entry.database, messages: [append] }, codec),
);
measure('append frame decode', frame.length, () => decodePeerFrame(frame, codec));
measure('client writes encode', clientFrame.length, () => encodeClientMessages([write]));
measure('client writes decode', clientFrame.length, () => decodeClientMessages(clientFrame));
measure('write replies encode', replyFrame.length, () => encodeServerMessages([replies]));
measure('write replies decode', replyFrame.length, () => decodeServerMessages(replyFrame));
measure('client reads encode', readFrame.length, () => encodeClientMessages([read]));
measure('client reads decode', readFrame.length, () => decodeClientMessages(readFrame));
measure('read answers encode', answerFrame.length, () => encodeServerMessages([answers]));
measure('read answers decode', answerFrame.length, () => decodeServerMessages(answerFrame));
