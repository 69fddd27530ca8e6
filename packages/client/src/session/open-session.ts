import type { SessionId } from '@holdfast/types';
import type { WriteCall } from './call.ts';
import { SequenceWindow } from './sequence-window.ts';

/** A session that the cluster has opened for this client, and the calls that took a sequence in it. */
export class OpenSession {
  readonly id: SessionId;
  readonly window: SequenceWindow<WriteCall>;
  /** The cluster no longer knows it: nothing is sent under it any more. */
  expired = false;

  constructor(id: SessionId, capacity: number) {
    this.id = id;
    this.window = new SequenceWindow(capacity);
  }
}
