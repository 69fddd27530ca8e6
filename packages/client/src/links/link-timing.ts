/** Milliseconds. */
export interface LinkTiming {
  readonly handshakeTimeoutMs: number;
  /** From the open connection to the node's welcome. */
  readonly welcomeTimeoutMs: number;
  /** Silence after which a link is pinged: while it owes an answer, and otherwise (half of it random). */
  readonly pingAfterMs: number;
  readonly idlePingAfterMs: number;
  /** The same while events are awaited over it. */
  readonly watchPingAfterMs: number;
  /** A client gives a sign of life that often (half of it random), whatever it hears: a node forgets those who do not. */
  readonly signMs: number;
  /** A ping unanswered for so long: its node counts as silent; and as dead. */
  readonly silentAfterMs: number;
  readonly deadAfterMs: number;
  /** Between looks at the links, at most; a quarter of it random, so that clients do not look in step. */
  readonly checkMs: number;
  /**
   * Pause before the next attempt at an address: doubled from the first to the second, half of it random. A link that lasted
   * as long as the second begins anew, and so does one over which anything was answered, unless its node broke the protocol.
   */
  readonly redialMsMin: number;
  readonly redialMsMax: number;
  /** How long a link that is being closed may take. */
  readonly closeTimeoutMs: number;
  /** Nodes to be linked with at a time: the primary and others that tell when it is replaced. */
  readonly linksMax: number;
  /** With no primary among them for so long, with all that there are. */
  readonly widenAfterMs: number;
}

export const LINK_TIMING: LinkTiming = {
  handshakeTimeoutMs: 2000,
  welcomeTimeoutMs: 2000,
  pingAfterMs: 200,
  idlePingAfterMs: 10_000,
  watchPingAfterMs: 1000,
  signMs: 30_000,
  silentAfterMs: 200,
  deadAfterMs: 3000,
  checkMs: 100,
  redialMsMin: 10,
  redialMsMax: 500,
  closeTimeoutMs: 200,
  linksMax: 3,
  widenAfterMs: 1000,
};
