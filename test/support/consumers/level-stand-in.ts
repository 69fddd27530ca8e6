import { createHash, randomUUID } from 'node:crypto';
import { type DatabaseOptions, Level as HoldfastLevel } from '@holdfast/client/level';
import { currentRun } from './consumer.ts';

const { location: cluster } = currentRun();

/** `level` with directories of the cluster: the same path, the same database. */
export class Level<K = string, V = string> extends HoldfastLevel<K, V> {
  constructor(location: string, options?: DatabaseOptions<K, V>) {
    const namespace = createHash('sha256').update(location).digest('hex');
    super(`${cluster}?namespace=${namespace}`, options);
  }
}

export { Level as ClassicLevel };

/** `memory-level`: each is empty at first. */
export class MemoryLevel<K = string, V = string> extends Level<K, V> {
  constructor(options?: DatabaseOptions<K, V>) {
    super(randomUUID(), options);
  }
}
