import { type Connection, LIMITS, type ReadItem, type Revision } from '@holdfast/types';
import { expect, test } from 'vitest';
import { ClientConnection } from '../../src/clients/client-connection.ts';
import { TurnEnd } from '../../src/turn-end.ts';

function connectionInto(frames: Uint8Array[]): ClientConnection {
  const connection: Connection = {
    remoteAddress: 'test',
    subprotocol: '',
    bufferedBytes: 0,
    receivedBytes: 0,
    handlers: { onMessage: () => {}, onClose: () => {} },
    send: (bytes) => frames.push(bytes),
    close: () => {},
    terminate: () => {},
  };
  const unused = undefined as never;
  return new ClientConnection({
    number: 1,
    now: 0,
    connection,
    turnEnd: new TurnEnd(),
    bufferedBytesMax: 2 ** 30,
    scans: unused,
    snapshots: unused,
    watches: unused,
    onError: () => {},
  });
}

const REVISION = (2 ** 40) as Revision;

test.each<[what: string, answers: number, item: ReadItem | undefined]>([
  ['of a byte', 80, { value: Uint8Array.of(1), revision: REVISION }],
  ['that expire', 40, { value: Uint8Array.of(1), revision: REVISION, ttlMs: 2 ** 40 }],
  ['that are not there', 450, undefined],
])('a frame of very many values %s leaves room for one answer more', async (_what, answers, item) => {
  const frames: Uint8Array[] = [];
  const client = connectionInto(frames);
  const items = Array.from({ length: LIMITS.keysPerReadMax }, () => item);
  const bytes = items.length * (item?.value.byteLength ?? 0);
  for (let id = 1; id <= answers; id += 1)
    client.replyToRead({ id, answer: { items, revision: REVISION, stalenessMs: 0 } }, bytes);
  await undefined;
  const longest = Math.max(...frames.map(({ byteLength }) => byteLength));
  expect(longest).toBeLessThan(LIMITS.clientFrameBytesMax - LIMITS.requestBytesMax);
});
