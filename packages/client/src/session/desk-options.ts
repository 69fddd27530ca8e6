import type { Resilience } from '../resilience/resilience.ts';
import type { LinkId } from './call.ts';
import type { CallLedger } from './call-ledger.ts';
import type { ClientLimits } from './client-limits.ts';
import type { FrameWriter } from './frame-writer.ts';
import type { LinkTable } from './link-table.ts';
import type { SessionToken } from './session-token.ts';

/** What the desk of writes and that of reads share. */
export interface DeskOptions {
  readonly limits: ClientLimits;
  /** In [0, 1). */
  readonly random: () => number;
  readonly ledger: CallLedger;
  readonly frames: FrameWriter;
  readonly links: LinkTable;
  readonly token: SessionToken;
  readonly resilience: Resilience;
  readonly onViolation: (link: LinkId, reason: string) => void;
}

/** Room that a request without keys and values takes in a frame. */
export const SMALL_BYTES = 64;
