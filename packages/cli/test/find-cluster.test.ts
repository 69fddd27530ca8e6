import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { nodeId } from '@holdfast/types';
import { expect, it } from 'vitest';
import { temporaryDirectory } from '../../../test/support/temporary.ts';
import { writeClusterFile } from '../src/cluster/cluster-file.ts';
import { commandName, userDirectory } from '../src/context.ts';
import { findCluster } from '../src/find-cluster.ts';

const directory = temporaryDirectory();
const deep = join(directory, 'a/b/c');
mkdirSync(deep, { recursive: true });
writeClusterFile(join(directory, '.holdfast'), { ack: 'quorum', nodes: [{ id: nodeId('n1'), port: 7105 }] });

it('takes --url before HOLDFAST_URL before .holdfast', () => {
  const env = { HOLDFAST_URL: 'ws://b:2' };
  expect(findCluster({ url: 'ws://a:1,c:3', env, directory: deep })).toEqual({
    nodes: [
      { id: undefined, url: 'ws://a:1' },
      { id: undefined, url: 'ws://c:3' },
    ],
    origin: 'flag',
  });
  expect(findCluster({ url: undefined, env, directory: deep })).toMatchObject({
    nodes: [{ url: 'ws://b:2' }],
    origin: 'environment',
  });
  expect(findCluster({ url: undefined, env: { HOLDFAST_URL: '' }, directory: deep })).toEqual({
    nodes: [{ id: 'n1', url: 'ws://127.0.0.1:7105' }],
    origin: 'directory',
    directory: join(directory, '.holdfast'),
  });
});

it('says what could be done when there is none', () => {
  expect(() => findCluster({ url: undefined, env: {}, directory: '/' })).toThrow(/--url.*HOLDFAST_URL.*up/);
});

it.each(['http://a:1', 'ws://', ',', 'ws://a:1, b c'])('refuses %j', (url) => {
  expect(() => findCluster({ url, env: {}, directory: deep })).toThrow(/--url/);
});

it('takes the directory of the user for the one that a script was started in', () => {
  const env = { INIT_CWD: '/home/u/project/docs', npm_package_json: '/home/u/project/package.json' };
  expect(userDirectory(env, '/home/u/project')).toBe('/home/u/project/docs');
  expect(userDirectory(env, '/tmp/elsewhere')).toBe('/tmp/elsewhere');
  expect(userDirectory({}, '/home/u')).toBe('/home/u');
});

it('names itself as it was called', () => {
  expect(commandName({})).toBe('holdfast');
  expect(commandName({ npm_config_user_agent: 'pnpm/12.21.0 npm/? node/v24.9.0 linux x64' })).toBe(
    'npx pnpm@12.21.0 holdfast',
  );
  expect(commandName({ npm_config_user_agent: 'npm/11.0.0 node/v24.9.0' })).toBe('holdfast');
});
