import { HoldfastError, LIMITS } from '@holdfast/types';
import { describe, expect, test } from 'vitest';
import { describeConfig } from '../../src/config/describe-config.ts';
import { type ConfigSources, loadConfig } from '../../src/config/load-config.ts';

const NEEDED = { id: 'n1', data: '/var/lib/holdfast' };

/** The lines of the refusal, its head first. */
function problems(sources: ConfigSources): string[] {
  try {
    loadConfig(sources);
  } catch (error) {
    if (error instanceof HoldfastError && error.code === 'HOLDFAST_INVALID_CONFIGURATION') {
      return error.message.split('\n').map((line) => line.trim());
    }
    throw error;
  }
  return [];
}

function file(content: unknown): NonNullable<ConfigSources['file']> {
  return { path: '/etc/holdfast.json', text: JSON.stringify(content) };
}

describe('defaults', () => {
  test('fill in all that is not needed', () => {
    const { config } = loadConfig({ flags: NEEDED });
    expect(config).toMatchObject({
      id: 'n1',
      listen: { host: '127.0.0.1', port: 7101 },
      peers: [{ id: 'n1', url: 'ws://127.0.0.1:7101' }],
      defaultAck: 'quorum',
      allowedOrigins: [],
      allowedHosts: [],
      logLevel: 'info',
      timing: {
        heartbeatMs: 50,
        electionTimeoutMs: 400,
        rankStepMs: 15,
        preVoteRepeatMs: 10,
        persistStallMaxMs: 2000,
      },
      segmentBytes: 16_777_216,
    });
    expect('zone' in config).toBe(false);
    expect('advertise' in config).toBe(false);
  });

  test('of the limits are those of the one table', () => {
    const { limits } = loadConfig({ flags: NEEDED }).config;
    for (const [key, value] of Object.entries(limits))
      expect([key, value]).toStrictEqual([key, LIMITS[key as keyof typeof LIMITS]]);
    expect(Object.keys(limits)).toHaveLength(32);
  });

  test('of the address of a node alone is one that can be connected to', () => {
    const url = (listen: string): string | undefined =>
      loadConfig({ flags: { ...NEEDED, listen } }).config.peers[0]?.url;
    expect(url('0.0.0.0:7200')).toBe('ws://127.0.0.1:7200');
    expect(url('[::]:7200')).toBe('ws://[::1]:7200');
    expect(url('10.0.0.5:7200')).toBe('ws://10.0.0.5:7200');
  });
});

describe('precedence', () => {
  const sources: ConfigSources = {
    flags: { ...NEEDED, zone: 'flag' },
    env: { HOLDFAST_ZONE: 'env', HOLDFAST_LOG_LEVEL: 'warn', HOLDFAST_DEFAULT_ACK: '' },
    file: file({ zone: 'file', logLevel: 'debug', defaultAck: 'all', heartbeatMs: '60ms' }),
  };

  test('flags, environment, file, defaults', () => {
    const { config, origins } = loadConfig(sources);
    expect([config.zone, config.logLevel, config.defaultAck, config.timing.heartbeatMs]).toStrictEqual([
      'flag',
      'warn',
      'all',
      60,
    ]);
    expect(origins).toMatchObject({
      zone: 'flag --zone',
      logLevel: 'environment HOLDFAST_LOG_LEVEL',
      defaultAck: 'file /etc/holdfast.json',
      heartbeatMs: 'file /etc/holdfast.json',
      electionTimeoutMs: 'default',
      advertise: 'not set',
    });
  });

  test('is what `holdfast config` shows', () => {
    const lines = describeConfig(loadConfig(sources));
    const line = (key: string): unknown => lines.find((each) => each.key === key);
    expect(line('zone')).toStrictEqual({ key: 'zone', value: 'flag', origin: 'flag --zone' });
    expect(line('listen')).toStrictEqual({ key: 'listen', value: '127.0.0.1:7101', origin: 'default' });
    expect(line('peers')).toStrictEqual({ key: 'peers', value: 'n1=ws://127.0.0.1:7101', origin: 'not set' });
    expect(line('advertise')).toStrictEqual({ key: 'advertise', value: '', origin: 'not set' });
    expect(line('heartbeatMs')).toStrictEqual({
      key: 'heartbeatMs',
      value: '60',
      origin: 'file /etc/holdfast.json',
    });
    expect(line('sessionsMax')).toStrictEqual({ key: 'sessionsMax', value: '10000', origin: 'default' });
  });

  test('what is shown can be given as flags and means the same', () => {
    const loaded = loadConfig({
      flags: { ...NEEDED, listen: '[::1]:0', allowedOrigins: 'https://a.example', allowedHosts: 'b:1,c' },
    });
    const flags = Object.fromEntries(
      describeConfig(loaded)
        .filter(({ value }) => value !== '')
        .map(({ key, value }) => [key, value]),
    );
    // A port that the system chooses cannot be named as the address of a peer.
    delete flags.peers;
    expect(loadConfig({ flags }).config).toStrictEqual(loaded.config);
  });
});

describe('written values', () => {
  const load = (flags: Record<string, unknown>): ReturnType<typeof loadConfig>['config'] =>
    loadConfig({ flags: { ...NEEDED, ...flags } }).config;

  test.each([
    ['250', 250],
    ['250ms', 250],
    ['2s', 2000],
    ['1.5s', 1500],
    ['1m', 60_000],
    [700, 700],
  ])('duration %s', (written, expected) => {
    expect(load({ persistStallMaxMs: written }).timing.persistStallMaxMs).toBe(expected);
  });

  test.each([
    ['65536', 65_536],
    ['64KiB', 65_536],
    ['1MB', 1_000_000],
    ['1 MiB', 1_048_576],
  ])('size %s', (written, expected) => {
    expect(load({ segmentBytes: written }).segmentBytes).toBe(expected);
  });

  test.each([
    'n2=127.0.0.1:7102, n1=ws://127.0.0.1:7101/',
    ['n1=127.0.0.1:7101', 'n2=ws://127.0.0.1:7102'],
    { n2: 'ws://127.0.0.1:7102', n1: '127.0.0.1:7101' },
  ])('peers, sorted by id: %j', (peers) => {
    expect(loadConfig({ flags: NEEDED, file: file({ peers }) }).config.peers).toStrictEqual([
      { id: 'n1', url: 'ws://127.0.0.1:7101' },
      { id: 'n2', url: 'ws://127.0.0.1:7102' },
    ]);
  });

  test('IPv6, origins and hosts', () => {
    const config = load({
      listen: '[::1]:7101',
      advertise: 'DB.example:80',
      allowedOrigins: 'https://a.example/, http://b:8080',
      allowedHosts: 'A.example',
    });
    expect(config.listen).toStrictEqual({ host: '::1', port: 7101 });
    expect(config.advertise).toBe('ws://DB.example:80');
    expect(config.allowedOrigins).toStrictEqual(['https://a.example', 'http://b:8080']);
    expect(config.allowedHosts).toStrictEqual(['a.example']);
  });
});

describe('refusals', () => {
  test('name every problem where it stands, and what would be accepted', () => {
    const found = problems({
      flags: { id: 'n 1', heartbeatMs: '100ms', electionTimeoutMs: '300ms' },
      env: { HOLDFAST_LISTEN: 'localhost', HOLDFAST_DATA: '/data' },
      file: file({ defaultAck: 'most', sessionsMax: 0, colour: 'red' }),
    });
    expect(found).toStrictEqual([
      'the configuration has 6 problems',
      'colour in /etc/holdfast.json: there is no such option',
      '--id: expected a node id: letters, figures, "_", "." and "-", at most 63; got "n 1"',
      'HOLDFAST_LISTEN: expected host:port, such as 127.0.0.1:7101; got "localhost"',
      'defaultAck in /etc/holdfast.json: expected local, quorum or all; got "most"',
      'sessionsMax in /etc/holdfast.json: expected a whole number from 1 to 100000000; got 0',
      '--election-timeout-ms: expected at least four heartbeats (--heartbeat-ms is 100ms, so 400ms); got 300ms',
    ]);
  });

  test('of what is needed and was not given', () => {
    expect(problems({})).toStrictEqual([
      'the configuration has 2 problems',
      '--id (or HOLDFAST_ID): expected a node id: letters, figures, "_", "." and "-", at most 63; it was not given',
      '--data (or HOLDFAST_DATA): expected a directory; it was not given',
    ]);
  });

  test('of a file that is not a JSON object', () => {
    expect(problems({ flags: NEEDED, file: { path: 'a.json', text: '{' } })[1]).toMatch(
      /^a\.json: not JSON \(/,
    );
    expect(problems({ flags: NEEDED, file: { path: 'a.json', text: '[]' } })[1]).toBe(
      'a.json: expected a JSON object of options',
    );
  });

  test.each([
    ['this node missing', 'n2=127.0.0.1:7102', '--peers: expected this node, n1, among the voters; got n2'],
    [
      'a node twice',
      'n1=127.0.0.1:7101,n1=127.0.0.1:7102',
      '--peers: expected each node once; n1 is named twice',
    ],
    [
      'an address twice',
      'n1=127.0.0.1:7101,n2=127.0.0.1:7101',
      '--peers: expected one node at each address; two are at ws://127.0.0.1:7101',
    ],
  ])('of peers with %s', (_, peers, expected) => {
    expect(problems({ flags: { ...NEEDED, peers } })).toContain(expected);
  });

  test.each([
    ['peers', 'n1'],
    ['peers', 'n1=http://127.0.0.1:7101'],
    ['peers', 'n1=127.0.0.1:0'],
    ['peers', 7],
    ['listen', '127.0.0.1:70000'],
    ['listen', '::1:7101'],
    ['heartbeatMs', '50 parsecs'],
    ['heartbeatMs', '-5'],
    ['heartbeatMs', Number.NaN],
    ['heartbeatMs', '0.5ms'],
    ['heartbeatMs', '1.5hasOwnProperty'],
    ['allowedOrigins', 'app.example'],
    ['allowedOrigins', 'https://app.example/path'],
    ['allowedHosts', 'a b'],
    ['advertise', 'https://x:1'],
    ['logLevel', 'loud'],
    // A frame between nodes must have room on its way, and must not be too long.
    ['peerBufferedBytesMax', '32MiB'],
    ['peerWindowBytes', '64MiB'],
    ['data', ' '],
  ])('of %s given as %j', (key, written) => {
    const found = problems({ flags: { ...NEEDED, [key]: written } });
    expect(found).toHaveLength(2);
    expect(found[1]).toMatch(/expected .*; got /);
  });

  test('quote little of what was given', () => {
    expect(problems({ flags: { ...NEEDED, logLevel: 'x'.repeat(10_000) } })[1]?.length).toBeLessThan(300);
  });
});
