/** Told of every message, in the order in which things happen. */
export interface NetworkObserver {
  /** The number comes back when the message arrives. */
  onSent(message: SentMessage): number;
  onArrived(number: number, message: SentMessage): void;
  /** It arrives once more. */
  onRepeated(message: SentMessage): void;
}

export interface SentMessage {
  readonly from: string;
  readonly to: string;
  readonly subprotocol: string;
  /** Sent by the side that connected. */
  readonly isCallers: boolean;
  readonly bytes: Uint8Array;
}
