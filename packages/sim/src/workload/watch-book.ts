import type { WatchEventOf } from '@holdfast/client';
import type { PlannedWatch } from '../schedule/schedule.ts';

/** One watch of a client library, from its beginning to its end. */
export interface WatchSection {
  /** The position it was given; undefined: now. */
  readonly from: number | undefined;
  /** In the order they were taken. */
  readonly events: WatchEventOf<string, string, { readonly initial: true }>[];
  /** It was asked for what was there first. */
  readonly state?: Map<string, string>;
  /** As the library told it last. */
  position?: number | undefined;
  endedBy?: string | undefined;
  detail?: number | undefined;
  /** What comes next was lost to it: one from its position cannot go on. */
  isBroken?: boolean;
}

/** All watches of one plan, one after the other. */
export interface BookedWatch {
  readonly client: string;
  readonly plan: PlannedWatch;
  readonly sections: WatchSection[];
}
