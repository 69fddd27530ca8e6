import type { NodeId } from '@holdfast/types';
import { describe, expect, test } from 'vitest';
import { AccessPolicy } from '../../src/http/access-policy.ts';

type Config = ConstructorParameters<typeof AccessPolicy>[0];

const LOCAL: Config = {
  id: 'n1' as NodeId,
  listen: { host: '127.0.0.1', port: 7101 },
  peers: [
    { id: 'n1' as NodeId, url: 'ws://127.0.0.1:7101' },
    { id: 'n2' as NodeId, url: 'ws://10.0.0.2:7101' },
  ],
  allowedOrigins: [],
  allowedHosts: [],
};

function hosts(config: Partial<Config>, candidates: string[], port = 7101): string[] {
  const policy = new AccessPolicy({ ...LOCAL, ...config }, port);
  return candidates.filter((host) => policy.isAllowed({ host }).allowed);
}

describe('Host', () => {
  test('on loopback: its names with the port, nothing else', () => {
    const good = ['127.0.0.1:7101', 'localhost:7101', 'LOCALHOST:7101', '[::1]:7101'];
    const bad = [
      'localhost',
      'localhost:80',
      '127.0.0.1',
      'evil.example:7101',
      '127.0.0.1.evil.example:7101',
      '10.0.0.2:7101',
      '',
      'localhost:7101:7101',
      'localhost:7101@evil',
    ];
    expect(hosts({}, [...good, ...bad])).toStrictEqual(good);
  });

  test('counts the port really bound', () => {
    const peers = [{ id: 'n1' as NodeId, url: 'ws://127.0.0.1:1' }];
    expect(
      hosts({ peers, listen: { host: '127.0.0.1', port: 0 } }, ['localhost:0', 'localhost:33000'], 33_000),
    ).toStrictEqual(['localhost:33000']);
  });

  test('on one address: that address, not loopback', () => {
    expect(
      hosts({ listen: { host: '10.0.0.1', port: 7101 }, peers: [] }, [
        '10.0.0.1:7101',
        'localhost:7101',
        '10.0.0.9:7101',
      ]),
    ).toStrictEqual(['10.0.0.1:7101']);
  });

  test.each(['0.0.0.0', '::'])(
    'on %s: any address in figures and localhost, under any port, but no name',
    (host) => {
      const candidates = [
        '10.0.0.1:7101',
        '192.168.0.4:8101',
        '[fe80::1]:7101',
        'localhost:8101',
        'evil.example:7101',
        'localhost.evil.example',
      ];
      expect(hosts({ listen: { host, port: 7101 } }, candidates)).toStrictEqual(candidates.slice(0, 4));
    },
  );

  test('what it advertises, and its own address among the peers, but not those of others', () => {
    const peers = [
      { id: 'n1' as NodeId, url: 'ws://n1.internal:7101' },
      { id: 'n2' as NodeId, url: 'ws://n2.internal:7101' },
    ];
    const candidates = [
      'db.example',
      'db.example:80',
      'n1.internal:7101',
      'n2.internal:7101',
      'n1.internal:9',
    ];
    expect(hosts({ peers, advertise: 'ws://DB.example:80' }, candidates)).toStrictEqual(
      candidates.slice(0, 3),
    );
  });

  test('allowed hosts, with a port or for every port', () => {
    const candidates = ['a.example', 'a.example:1', 'b.example:5', 'b.example', 'b.example:6'];
    expect(hosts({ allowedHosts: ['a.example', 'b.example:5'] }, candidates)).toStrictEqual(
      candidates.slice(0, 3),
    );
  });
});

describe('Origin', () => {
  const policy = new AccessPolicy({ ...LOCAL, allowedOrigins: ['https://app.example'] }, 7101);
  const host = 'localhost:7101';

  test('none is fine, a listed one too', () => {
    expect(policy.isAllowed({ host }).allowed).toBe(true);
    expect(policy.isAllowed({ host, origin: 'https://app.example' }).allowed).toBe(true);
    expect(policy.isAllowed({}).allowed).toBe(true);
  });

  test.each([
    'https://evil.example',
    'http://app.example',
    'https://app.example:8443',
    'null',
    '',
    'http://localhost:7101',
  ])('%j is refused', (origin) => {
    expect(policy.isAllowed({ host, origin })).toMatchObject({ allowed: false });
  });

  test('a listed origin does not excuse a strange host', () => {
    expect(policy.isAllowed({ host: 'evil.example', origin: 'https://app.example' }).allowed).toBe(false);
  });

  test('reasons quote little', () => {
    const decision = policy.isAllowed({ origin: `https://${'x'.repeat(5000)}\n` });
    expect(decision.allowed ? '' : decision.reason).toHaveLength(
      'origin "" is not in allowedOrigins'.length + 100,
    );
  });
});
