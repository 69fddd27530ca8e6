import type { Revision } from '@holdfast/types';
import { expect, test } from 'vitest';
import { LevelView } from '../src/view.ts';

test('a view whose snapshot ended with its store says so, to who reads it and to who begins a scan', () => {
  const notOpen = (): never => {
    throw Object.assign(new Error('Snapshot is not open'), { code: 'LEVEL_SNAPSHOT_NOT_OPEN' });
  };
  const lost = new Error('the snapshot is lost');
  const view = new LevelView({
    level: { iterator: notOpen, getSync: notOpen } as never,
    snapshot: { close: async () => {} } as never,
    revision: 1 as Revision,
    failure: () => lost,
  });
  expect(() => view.get([Buffer.from('a')], 1000)).toThrow(lost);
  expect(() => view.scan({ reverse: false, limit: -1, keys: true, values: true })).toThrow(lost);
});
