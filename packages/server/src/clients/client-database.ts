import type { DatabaseDriver } from '../driver/database-driver.ts';
import type { NodeMetrics } from '../metrics/node-metrics.ts';
import type { MutationFeed } from '../watches/mutation-feed.ts';

/** What client connections need of a database. */
export type ClientDatabase = Pick<DatabaseDriver, 'input' | 'uid' | 'traces'> & {
  readonly feed: Pick<MutationFeed, 'open'>;
};

/** What client connections count. */
export type ClientMetrics = Pick<NodeMetrics, 'write' | 'read' | 'error'>;
