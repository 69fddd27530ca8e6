import { readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { HoldfastError } from '@holdfast/types';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { temporaryDirectory } from '../../../../test/support/temporary.ts';
import { ControlServer, type ControlView } from '../../src/cluster/control-server.ts';
import {
  askInstance,
  claimDirectory,
  type Instance,
  isRunning,
  readInstance,
  releaseDirectory,
} from '../../src/cluster/instance-file.ts';

const orders: string[] = [];
const state = { id: 'n2', url: 'ws://127.0.0.1:1', pid: null, state: 'ended', reason: null } as const;
const view: ControlView = {
  state: () => ({ pid: 42, directory: '/x', nodes: [state] }),
  order: async (id, order) => {
    if (id === 'n9') throw new HoldfastError('HOLDFAST_INVALID_ARGUMENT', 'there is no node "n9"');
    orders.push(`${order} ${id}`);
    return state;
  },
};

let directory: string;
let control: ControlServer;
let instance: Instance;

beforeEach(async () => {
  directory = temporaryDirectory();
  control = await ControlServer.open(view, 'secret');
  instance = { pid: 42, url: control.url, token: 'secret' };
  orders.length = 0;
});

afterEach(() => control.close());

describe('the claim on a directory', () => {
  it('is refused while the other up answers', async () => {
    await claimDirectory(directory, instance);
    await expect(claimDirectory(directory, { ...instance, pid: 43 })).rejects.toMatchObject({
      code: 'HOLDFAST_DATA_DIRECTORY_IN_USE',
      message: expect.stringContaining('process 42'),
    });
    expect(readInstance(directory)).toEqual(instance);
  });

  it('passes to the next one when the other was killed, or its port belongs to somebody else by now', async () => {
    const next = { pid: 43, url: 'http://127.0.0.1:9', token: 'other' };
    await claimDirectory(directory, { pid: 41, url: control.url, token: 'another' });
    await claimDirectory(directory, next);
    expect(readInstance(directory)).toEqual(next);
    await claimDirectory(directory, instance);
    expect(readInstance(directory)).toEqual(instance);
    expect(readdirSync(directory)).toEqual(['up.json']);
  });

  it('of two at the same moment goes to one', async () => {
    await claimDirectory(directory, { pid: 41, url: 'http://127.0.0.1:9', token: 'stale' });
    const claims = await Promise.allSettled([
      claimDirectory(directory, instance),
      claimDirectory(directory, { ...instance, pid: 42 }),
    ]);
    expect(claims.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected']);
  });

  it('is given up by its owner only', async () => {
    await claimDirectory(directory, instance);
    releaseDirectory(directory, { ...instance, token: 'other' });
    expect(readInstance(directory)).toEqual(instance);
    releaseDirectory(directory, instance);
    expect(readInstance(directory)).toBeUndefined();
  });

  it('survives a file that is no such thing', async () => {
    writeFileSync(join(directory, 'up.json'), 'nonsense');
    expect(readInstance(directory)).toBeUndefined();
    await claimDirectory(directory, instance);
    expect(readInstance(directory)).toEqual(instance);
  });
});

describe('the control page', () => {
  it('carries out orders, and says why not', async () => {
    expect(await isRunning(instance)).toBe(true);
    expect(await askInstance(instance, '/nodes/n2/kill', 1000, 'POST')).toEqual(state);
    expect(orders).toEqual(['kill n2']);
    await expect(askInstance(instance, '/nodes/n9/kill', 1000, 'POST')).rejects.toThrow(
      'there is no node "n9"',
    );
    await expect(askInstance(instance, '/nodes/n2/burn', 1000, 'POST')).rejects.toThrow('there is no POST');
  });

  it('lets nobody in without the token', async () => {
    const stranger = { ...instance, token: 'guess!' };
    await expect(askInstance(stranger, '/nodes/n2/kill', 1000, 'POST')).rejects.toMatchObject({
      code: 'HOLDFAST_ORIGIN_REFUSED',
    });
    expect(await isRunning(stranger)).toBe(false);
    expect(orders).toEqual([]);
  });
});
