import type { DatabaseDriver } from '../driver/database-driver.ts';
import type { NodeMetrics } from '../metrics/node-metrics.ts';

/** What client connections need of a database. */
export type ClientDatabase = Pick<DatabaseDriver, 'input' | 'uid'>;

/** What client connections count. */
export type ClientMetrics = Pick<NodeMetrics, 'write' | 'read' | 'error'>;
