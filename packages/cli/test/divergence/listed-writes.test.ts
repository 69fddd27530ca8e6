import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, expect, it } from 'vitest';
import type { ListedEntry } from '../../src/divergence/diverged-entries.ts';
import { appliedAmong, ListedWrites } from '../../src/divergence/listed-writes.ts';

let server: Server;
let url: string;
/** Discarded, or with a node that is gone. */
const missing = new Set<string>();

beforeEach(async () => {
  missing.clear();
  server = createServer((request, response) => {
    const id = (request.url as string).split('/').at(-1) as string;
    response.statusCode = missing.has(id) ? 404 : 200;
    const [, index] = id.split('.').map(Number) as [number, number];
    const error = { code: 'HOLDFAST_DIVERGENCE_NOT_FOUND', message: 'not here' };
    const key = Buffer.from('k').toString('base64');
    const mutations = [{ kind: 'put', key, value: key, revision: index }];
    const writes = [{ session: `2.${index}.0`, sequence: 1, ack: 'local', mutations }];
    const entry = { ...summaryOf(id), logTime: 0, writes };
    response.end(JSON.stringify(missing.has(id) ? { error } : entry));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  url = `ws://127.0.0.1:${(server.address() as AddressInfo).port}`;
});

afterEach(async () => {
  await new Promise((resolve) => server.close(resolve));
});

function summaryOf(id: string): ListedEntry['summary'] {
  const [, index, term] = id.split('.').map(Number) as [number, number, number];
  const asked = { local: 1, quorum: 0, all: 0 };
  return { id, index, term, undecided: false, writeCount: 1, mutationCount: 1, bytes: 2, asked };
}

function listedOf(ids: readonly string[]): ListedEntry[] {
  return ids.map((id) => ({ summary: summaryOf(id), holders: [{ id: undefined, url }] }));
}

it('tells of the others, if one entry cannot be had, and asks for it again', async () => {
  const listed = listedOf(['default.7.2', 'default.8.2', 'default.9.2']);
  missing.add('default.8.2');
  const writes = new ListedWrites(listed, 2000);
  expect((await writes.entries()).map((entry) => entry?.id)).toEqual([
    'default.7.2',
    undefined,
    'default.9.2',
  ]);
  await expect(writes.entry(listed[1]!)).rejects.toMatchObject({ code: 'HOLDFAST_DIVERGENCE_NOT_FOUND' });
  const last = await writes.entry(listed[2]!);
  const older = await writes.olderOf(last.writes[0]!, Buffer.from('k'));
  expect(older.map(({ id }) => id)).toEqual(['default.7.2']);
  missing.clear();
  const late = await writes.entry(listed[1]!);
  expect(late).toMatchObject({ id: 'default.8.2' });
  // Nothing newer is taken for older.
  expect(await writes.olderOf(late.writes[0]!, Buffer.from('k'))).toEqual([]);
});

it('asks for so many marks at a time, however many a write has', async () => {
  const write = (await new ListedWrites(listedOf(['default.7.2']), 2000).entries())[0]!.writes[0]!;
  const mutations = Array.from({ length: 100_000 }, (_, at) => ({
    ...write.mutations[0]!,
    key: Buffer.from(`${at}`),
  }));
  const asked: number[] = [];
  const getMany = async (keys: readonly Buffer[]): Promise<(Buffer | undefined)[]> => {
    asked.push(keys.length);
    return keys.map(() => undefined);
  };
  const many = [write, { ...write, place: 1, mutations }, { ...write, place: 2, mutations }, write];
  expect(await appliedAmong(many, { getMany } as never)).toEqual(new Set());
  expect(asked).toEqual([503, 503]);
});
