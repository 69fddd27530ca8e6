import { CLIENT_SUBPROTOCOL, PEER_SUBPROTOCOL } from '@holdfast/types';
import { expect, test } from 'vitest';
import { Bystander } from '../support/faults/bystander.ts';
import { ProcessCluster } from '../support/faults/process-cluster.ts';
import { RawSocket } from '../support/faults/raw-socket.ts';

const JSON_TYPE = 'content-type: application/json\r\n';

/** A request as text, and what must come back. */
interface Request {
  readonly name: string;
  readonly text: (host: string) => string;
  readonly status: number;
  readonly code?: string;
}

const post = (path: string, headers: string, body: string) => (host: string) =>
  `POST ${path} HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n${headers}Content-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`;
const get =
  (path: string, headers = '') =>
  (host: string) =>
    `GET ${path} HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n${headers}\r\n`;

const REQUESTS: readonly Request[] = [
  { name: 'no such page', text: get('/v2/status'), status: 404, code: 'HOLDFAST_INVALID_ARGUMENT' },
  { name: 'a path out of the tree', text: get('/../../etc/passwd'), status: 404 },
  { name: 'an encoded path out of the tree', text: get('/v1/divergence/%2e%2e%2f%2e%2e%2fetc'), status: 404 },
  { name: 'a path that does not decode', text: get('/v1/divergence/%ff%fe'), status: 400 },
  { name: 'a very long id', text: get(`/v1/divergence/${'x'.repeat(4000)}`), status: 414 },
  { name: 'a request line without end', text: (host) => get(`/${'x'.repeat(100_000)}`)(host), status: 431 },
  { name: 'headers without end', text: get('/v1/status', `x: ${'y'.repeat(100_000)}\r\n`), status: 431 },
  { name: 'words', text: () => 'hello, is anybody there?\r\n\r\n', status: 400 },
  {
    name: 'TLS',
    text: () => '\u0016\u0003\u0001\u0002\u0000\u0001\u0000\u0001\u00fc\u0003\u0003',
    status: 400,
  },
  {
    name: 'another origin',
    text: get('/v1/status', 'Origin: https://evil.example\r\n'),
    status: 403,
    code: 'HOLDFAST_ORIGIN_REFUSED',
  },
  {
    name: 'a rebound name',
    text: () => get('/v1/status')('evil.example'),
    status: 403,
    code: 'HOLDFAST_ORIGIN_REFUSED',
  },
  {
    name: 'two lengths',
    text: (host) =>
      `POST /v1/switchover HTTP/1.1\r\nHost: ${host}\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\n{}`,
    status: 400,
  },
  {
    name: 'a length and chunks',
    text: (host) =>
      `POST /v1/switchover HTTP/1.1\r\nHost: ${host}\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`,
    status: 400,
  },
  {
    name: 'a form of a web page',
    text: post('/v1/switchover', 'content-type: text/plain\r\n', '{}'),
    status: 415,
  },
  { name: 'no content type', text: post('/v1/switchover', '', '{}'), status: 415 },
  {
    name: 'half of a body',
    text: post('/v1/switchover', JSON_TYPE, '{"target":'),
    status: 400,
    code: 'HOLDFAST_INVALID_ARGUMENT',
  },
  {
    name: 'a body of another kind',
    text: post('/v1/switchover', JSON_TYPE, '[1]'),
    status: 400,
    code: 'HOLDFAST_INVALID_ARGUMENT',
  },
  {
    name: 'a target of another type',
    text: post('/v1/switchover', JSON_TYPE, '{"target":{"$ne":1}}'),
    status: 400,
    code: 'HOLDFAST_INVALID_ARGUMENT',
  },
  {
    name: 'a poisoned prototype',
    text: post('/v1/switchover', JSON_TYPE, '{"__proto__":{"target":"n1"}}'),
    status: 400,
    code: 'HOLDFAST_INVALID_ARGUMENT',
  },
  { name: 'an unknown target', text: post('/v1/switchover', JSON_TYPE, '{"target":"n9"}'), status: 0 },
  { name: 'a large body', text: post('/v1/switchover', JSON_TYPE, ' '.repeat(100_000)), status: 413 },
  {
    name: 'nothing to discard',
    text: post('/v1/divergence/default.1.1/discard', JSON_TYPE, '{}'),
    status: 404,
    code: 'HOLDFAST_DIVERGENCE_NOT_FOUND',
  },
  { name: 'a method that is not for this page', text: post('/v1/status', JSON_TYPE, '{}'), status: 404 },
];

const UPGRADES: readonly {
  readonly name: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly answer: RegExp;
}[] = [
  {
    name: 'no subprotocol',
    path: '/client',
    headers: {},
    answer:
      /^HTTP\/1\.1 400 [\s\S]*HOLDFAST_VERSION_MISMATCH: \/client speaks holdfast\.client\.v1; offered: none/,
  },
  {
    name: 'a later subprotocol',
    path: '/client',
    headers: { 'sec-websocket-protocol': 'holdfast.client.v2' },
    answer: /^HTTP\/1\.1 400 [\s\S]*HOLDFAST_VERSION_MISMATCH.*offered: holdfast\.client\.v2/,
  },
  {
    name: 'the subprotocol of another path',
    path: '/peer',
    headers: { 'sec-websocket-protocol': CLIENT_SUBPROTOCOL },
    answer: /^HTTP\/1\.1 400 [\s\S]*HOLDFAST_VERSION_MISMATCH/,
  },
  {
    name: 'a thousand subprotocols',
    path: '/peer',
    headers: { 'sec-websocket-protocol': Array.from({ length: 1000 }, (_, at) => `p${at}`).join(',') },
    answer: /^HTTP\/1\.1 400 /,
  },
  {
    name: 'another path',
    path: '/chat',
    headers: { 'sec-websocket-protocol': CLIENT_SUBPROTOCOL },
    answer: /^HTTP\/1\.1 404 [\s\S]*\/client, \/peer and \/snapshot/,
  },
  {
    name: 'an inherited path',
    path: '/__proto__',
    headers: { 'sec-websocket-protocol': CLIENT_SUBPROTOCOL },
    answer: /^HTTP\/1\.1 404 /,
  },
  {
    name: 'another origin',
    path: '/client',
    headers: { 'sec-websocket-protocol': CLIENT_SUBPROTOCOL, origin: 'https://evil.example' },
    answer: /^HTTP\/1\.1 403 [\s\S]*HOLDFAST_ORIGIN_REFUSED: origin "https:\/\/evil\.example"/,
  },
  {
    name: 'no origin in particular',
    path: '/peer',
    headers: { 'sec-websocket-protocol': PEER_SUBPROTOCOL, origin: 'null' },
    answer: /^HTTP\/1\.1 403 [\s\S]*HOLDFAST_ORIGIN_REFUSED/,
  },
  {
    name: 'a rebound name',
    path: '/client',
    headers: { 'sec-websocket-protocol': CLIENT_SUBPROTOCOL, host: 'evil.example:80' },
    answer: /^HTTP\/1\.1 403 [\s\S]*HOLDFAST_ORIGIN_REFUSED: host "evil\.example:80"/,
  },
  {
    name: 'a key that is none',
    path: '/client',
    headers: { 'sec-websocket-protocol': CLIENT_SUBPROTOCOL, 'sec-websocket-key': 'short' },
    answer: /^HTTP\/1\.1 400 /,
  },
  {
    name: 'a version to come',
    path: '/client',
    headers: { 'sec-websocket-protocol': CLIENT_SUBPROTOCOL, 'sec-websocket-version': '99' },
    answer: /^HTTP\/1\.1 4(00|26) /,
  },
  {
    name: 'another upgrade',
    path: '/client',
    headers: { 'sec-websocket-protocol': CLIENT_SUBPROTOCOL, upgrade: 'h2c' },
    answer: /^HTTP\/1\.1 400 /,
  },
];

test('each request that cannot be is answered with a status and a code', async () => {
  const cluster = await ProcessCluster.start({
    flags: { electionTimeoutMs: 2000 },
  });
  const bystander = await Bystander.begin(cluster);
  const port = cluster.port('n1');
  for (const { name, text, status, code } of REQUESTS) {
    const raw = new RawSocket(port);
    raw.socket.write(text(`127.0.0.1:${port}`), 'latin1');
    const answer = await raw.answer();
    if (status === 0) expect.soft(answer, name).toMatch(/^HTTP\/1\.1 [45]\d\d [\s\S]*"code":"HOLDFAST_/);
    else expect.soft(answer.split('\r\n')[0], name).toMatch(new RegExp(`^HTTP/1\\.1 ${status} `));
    if (code !== undefined) expect.soft(answer, name).toContain(`"code":"${code}"`);
    raw.destroy();
  }
  for (const { name, path, headers, answer } of UPGRADES) {
    const raw = new RawSocket(port);
    await raw.connected();
    expect.soft(await raw.upgrade(path, headers), name).toMatch(answer);
    raw.destroy();
  }
  console.log(`${REQUESTS.length + UPGRADES.length} requests; ${await bystander.end()}`);
});
