import dns from 'node:dns';
import { Holdfast } from '@holdfast/client';
import { expect, onTestFinished, test, vi } from 'vitest';
import { freePorts } from '../support/cluster/free-ports.ts';
import { makeTestCluster } from '../support/cluster/test-cluster.ts';
import { FaultProxy } from '../support/faults/fault-proxy.ts';
import { waitUntil } from '../support/faults/wait-until.ts';

const NAME = 'node.holdfast.test';
const [BEFORE, AFTER] = ['127.0.0.1', '127.0.0.2'] as const;

/** From now on the name is at the address that `address` tells. */
function resolveName(address: () => string): void {
  const { lookup } = dns;
  const spy = vi.spyOn(dns, 'lookup');
  spy.mockImplementation(((
    hostname: string,
    options: dns.LookupOptions,
    done: (...found: unknown[]) => void,
  ) => {
    if (hostname !== NAME) return lookup(hostname, options, done);
    const found = { address: address(), family: 4 };
    if (options.all === true) done(null, [found]);
    else done(null, found.address, found.family);
  }) as never);
  onTestFinished(() => spy.mockRestore());
}

test('a node whose name leads to another address is found there by the clients that it had', async () => {
  const [port = 0] = await freePorts(1);
  const cluster = await makeTestCluster({ count: 1, advertiseOf: () => `ws://${NAME}:${port}` });
  await cluster.startAll();
  const target = new URL(cluster.url('n1'));
  const proxies = [BEFORE, AFTER].map(
    (host) => new FaultProxy({ host: target.hostname, port: Number(target.port) }, { host, port }),
  ) as [FaultProxy, FaultProxy];
  onTestFinished(async () => {
    await Promise.all(proxies.map((proxy) => proxy.close()));
  });
  const [before, after] = proxies;
  await before.listen();
  let address: string = BEFORE;
  resolveName(() => address);

  const db = new Holdfast(`holdfast://${NAME}:${port}`);
  onTestFinished(() => db.close());
  await db.put('a', '1');
  await before.close();
  await waitUntil('the connection to be gone', () => db.health()?.connected === false);
  address = AFTER;
  await after.listen();
  expect(await db.get('a')).toBe('1');
});
