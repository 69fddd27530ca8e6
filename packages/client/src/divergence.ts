import type { Revision } from '@holdfast/types';

/** What `on('diverged')` is told: writes acknowledged `local` up to `lost` did not survive a failover. */
export interface Divergence {
  readonly lost: Revision;
  /** The newest revision at or below `lost` that survived. */
  readonly surviving: Revision;
}
