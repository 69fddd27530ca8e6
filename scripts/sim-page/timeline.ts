/** Of messages: what they are about. Their order is that of the page's legend. */
export const MESSAGE_CLASSES = ['log', 'heartbeat', 'election', 'client', 'snapshot', 'other'] as const;
export type MessageClass = (typeof MESSAGE_CLASSES)[number];

/** Of what happens at one moment. */
export type EventKind =
  | 'failure'
  | 'fault'
  /** The end of a fault. */
  | 'mend'
  | 'election'
  | 'promotion'
  | 'life'
  | 'phase'
  | 'link'
  | 'log';

export type CallOutcome = 'ok' | 'notApplied' | 'unknown' | 'open';

/** Times are virtual milliseconds throughout. */
export interface Span {
  readonly host: string;
  from: number;
  to: number;
}

/** What a node is for a while. */
export interface RoleSpan extends Span {
  /** `down` and `frozen` hide what it thinks that it is. */
  readonly state:
    | 'down'
    | 'starting'
    | 'forming'
    | 'standby'
    | 'candidate'
    | 'primary'
    | 'excluded'
    | 'repairing';
  readonly isFrozen: boolean;
  /** 0: not known yet. */
  readonly term: number;
  /** Of a primary: its opening entry is committed and applied. */
  readonly admits: boolean;
}

/** A disk that is not as usual. */
export interface DiskSpan extends Span {
  readonly state: 'full' | 'slow';
  readonly words: string;
}

export interface TimelineEvent {
  readonly at: number;
  readonly kind: EventKind;
  /** Whose lane it belongs to; none: everybody's. */
  readonly host?: string;
  readonly words: string;
}

export interface TimelineCall {
  readonly host: string;
  readonly number: number;
  readonly from: number;
  to: number;
  readonly words: string;
  outcome: CallOutcome;
  answer: string;
}

/** Column by column, in the order in which they were sent: there are tens of thousands. */
export interface Messages {
  readonly sent: number[];
  /** -1: it never did. */
  readonly arrived: number[];
  /** Places in `hosts`. */
  readonly from: number[];
  readonly to: number[];
  /** Places in `MESSAGE_CLASSES`. */
  readonly class: number[];
  readonly words: string[];
}

/** Another node has become the primary. */
export interface PrimaryChange {
  readonly at: number;
  readonly node: string;
  readonly term: number;
  readonly previous: string;
  /** When the one before was none any more; absent if it still thought it was. */
  readonly lostAt?: number;
  /** The last fault before. */
  readonly cause?: { readonly at: number; readonly words: string };
  readonly suspectedAt?: number;
  readonly electionAt?: number;
  readonly electedAt?: number;
  /** The first call answered that was made or pending after the promotion. */
  readonly firstAnswerAt?: number;
}

/** Nobody took writes. */
export interface Gap {
  readonly from: number;
  readonly to: number;
}

/** All of a run that the page shows. */
export interface Timeline {
  readonly title: string;
  readonly endMs: number;
  readonly nodes: readonly string[];
  readonly clients: readonly string[];
  /** Nodes, then clients. */
  readonly hosts: readonly string[];
  readonly roles: readonly RoleSpan[];
  readonly disks: readonly DiskSpan[];
  readonly events: readonly TimelineEvent[];
  readonly calls: readonly TimelineCall[];
  readonly messages: Messages;
  /** By node: index applied from that moment on. */
  readonly applied: Readonly<Record<string, readonly (readonly [at: number, index: number])[]>>;
  readonly changes: readonly PrimaryChange[];
  readonly gaps: readonly Gap[];
  /** Why the run did not pass. */
  readonly failure?: string;
}
