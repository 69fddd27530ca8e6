import type { Revision } from '@holdfast/types';
import type { WriteSummary } from './write-summary.ts';

/** What `on('diverged')` is told: writes acknowledged `local` up to `lost` did not survive a failover. */
export interface Divergence {
  readonly lost: Revision;
  /** The newest revision at or below `lost` that survived. */
  readonly surviving: Revision;
  /** Of the writes of this database that are lost, as they were acknowledged; by revision. At most the newest 10 000. */
  readonly receipts: readonly WriteSummary[];
}
