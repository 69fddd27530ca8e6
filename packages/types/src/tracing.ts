import type { LogIndex } from './brands.ts';

/**
 * Where a sampled request belongs in a distributed trace: a W3C traceparent of version 00,
 * `00-<32 hexadecimal digits: trace>-<16: span>-<2: flags>`, all lower case.
 */
export type Traceparent = string;

/** Of one request of a client's frame. */
export interface RequestTrace {
  readonly id: number;
  readonly traceparent: Traceparent;
}

/** Of one entry of an append: of one of the requests in it. */
export interface EntryTrace {
  readonly index: LogIndex;
  readonly traceparent: Traceparent;
}
