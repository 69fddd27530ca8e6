import type { Genesis } from '@holdfast/types';
import { clusterId, count, databaseName, databaseUid, diskId, list, nodeId, parts } from './fields.ts';
import { invalid } from './invalid.ts';
import type { Packable } from './message-pack.ts';

/** More voters or databases than anybody forms a cluster with. */
const NAMES_MAX = 1024;

/** [cluster, databases as name, uid, …, voters as id, disk, …, revision gap] */
export function packGenesis(genesis: Genesis): Packable[] {
  return [
    genesis.cluster,
    Object.entries(genesis.databases).flat(),
    Object.entries(genesis.voters).flat(),
    genesis.limits.revisionGap,
  ];
}

export function readGenesis(value: unknown): Genesis {
  const packed = parts(value, 'genesis', 4);
  return {
    cluster: clusterId(packed[0], 'genesis.cluster'),
    databases: readTable(packed[1], 'genesis.databases', databaseName, databaseUid),
    voters: readTable(packed[2], 'genesis.voters', nodeId, diskId),
    limits: { revisionGap: count(packed[3], 'genesis.limits.revisionGap') },
  };
}

/** Names are checked before they become keys: none of them is `__proto__`. */
function readTable<Value>(
  value: unknown,
  field: string,
  readName: (value: unknown, field: string) => string,
  readValue: (value: unknown, field: string) => Value,
): Record<string, Value> {
  const flat = list(value, field, { max: NAMES_MAX * 2 });
  if (flat.length % 2 !== 0) throw invalid(field, 'a name without a value');
  const table: Record<string, Value> = {};
  for (let place = 0; place < flat.length; place += 2) {
    const name = readName(flat[place], `${field}[${place}]`);
    if (Object.hasOwn(table, name)) throw invalid(`${field}[${place}]`, 'named twice');
    table[name] = readValue(flat[place + 1], `${field}[${place + 1}]`);
  }
  return table;
}
