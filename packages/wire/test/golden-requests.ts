import type { EntryRequest, Revision, SessionId } from '@holdfast/types';

// What entries came to hold with each format after the first.

const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text);
const session = '2.17.0' as SessionId;
const revision = 5_000_000_000 as Revision;

/** Requests whose results format 1 had no room for. */
export const transactions: EntryRequest[] = [
  {
    kind: 'write',
    session,
    sequence: 12,
    floor: 4,
    ack: 'quorum',
    mutations: [{ kind: 'put', key: utf8('n'), value: utf8('-7') }],
    result: {
      kind: 'transaction',
      branch: 'then',
      steps: [
        { kind: 'counter', value: -7, revision: 107 as Revision },
        { kind: 'changed', revision: 107 as Revision },
        { kind: 'found', value: utf8('-7'), revision: 107 as Revision },
        { kind: 'missing' },
      ],
      revision: 107 as Revision,
    },
  },
  {
    kind: 'write',
    session,
    sequence: 13,
    floor: 4,
    ack: 'quorum',
    mutations: [],
    result: { kind: 'resultTooLarge', revision },
  },
];

/** Of which format 2 knew nothing. */
export const expiries: EntryRequest[] = [
  {
    kind: 'write',
    session,
    sequence: 14,
    floor: 4,
    ack: 'quorum',
    mutations: [
      { kind: 'put', key: utf8('a'), value: utf8('1'), expiresAt: 60_001 },
      { kind: 'del', key: utf8('b') },
      { kind: 'put', key: utf8('c'), value: utf8('2'), expiresAt: 70_001, formerExpiry: 60_001 },
      { kind: 'put', key: utf8('d'), value: utf8('3'), formerExpiry: 65_001 },
    ],
    result: { kind: 'written', revision: 103 as Revision },
  },
  {
    kind: 'expire',
    due: [
      { key: utf8('a'), expiresAt: 60_001, isDeleted: true },
      { key: utf8('c'), expiresAt: 60_001, isDeleted: false },
    ],
  },
];

/** Of which format 3 knew nothing. */
export const clears: EntryRequest[] = [
  {
    kind: 'write',
    session,
    sequence: 15,
    floor: 4,
    ack: 'quorum',
    mutations: [
      { kind: 'del', key: utf8('a') },
      { kind: 'del', key: utf8('b') },
    ],
    result: { kind: 'cleared', deleted: 2, behind: utf8('c'), revision: 101 as Revision },
  },
  {
    kind: 'write',
    session,
    sequence: 16,
    floor: 4,
    ack: 'local',
    mutations: [],
    result: { kind: 'cleared', deleted: 0, revision: 101 as Revision },
  },
];
