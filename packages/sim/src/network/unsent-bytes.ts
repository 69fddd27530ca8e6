/** What one end of an open connection has been given to send, and cannot. */
export interface UnsentBytes {
  readonly to: string;
  readonly subprotocol: string;
  readonly bytes: number;
}
