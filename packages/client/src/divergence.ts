import type { Revision } from '@holdfast/types';
import type { WriteSummary } from './write-summary.ts';

/** What `on('diverged')` is told: writes acknowledged `local` up to `lost` did not survive a failover. */
export interface Divergence {
  readonly lost: Revision;
  /** The newest revision at or below `lost` that survived. */
  readonly surviving: Revision;
  /**
   * Of the writes of this database that are lost, as they were acknowledged; by revision. At least the newest 10 000 are
   * remembered, of all databases that share a session.
   */
  readonly receipts: readonly WriteSummary[];
}
