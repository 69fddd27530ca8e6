/** Revisions left free before each term's opening entry, so that a lost one is never named again. */
export const REVISION_GAP: number = 2 ** 20;

/** Version spoken on peer and client links; the other side must speak the same. */
export const PROTOCOL_VERSION = 4;

export const PEER_SUBPROTOCOL = 'holdfast.peer.v1';
export const SNAPSHOT_SUBPROTOCOL = 'holdfast.snapshot.v1';
export const CLIENT_SUBPROTOCOL = 'holdfast.client.v1';

/**
 * For the command line of the Node.js that runs a node: the young generation stays at 4 MiB instead of growing to sixteen
 * times that. Nothing a node keeps while it works needs the room, and a process that is killed closes its sockets only
 * after its memory has been given back, page by page: that was 10 to 30 ms of every failover.
 */
export const NODE_FLAGS: readonly string[] = ['--max-semi-space-size=4'];

/** Every bound of the system, with its unit in the name. Over a limit the answer is an error with a code, at once. */
export const LIMITS = {
  /** Longest key, namespace included. */
  keyBytesMax: 4096,
  valueBytesMax: 4_194_304,
  /** All operations of one request together. */
  requestBytesMax: 8_388_608,
  operationsPerRequestMax: 10_000,
  conditionsPerRequestMax: 256,
  /** Steps of one branch of a transaction. */
  stepsPerBranchMax: 256,
  /** Of what a transaction's steps came to, the values of its gets included: every node keeps it until it is told. */
  transactionResultBytesMax: 262_144,
  /** The same for all results of a session above its floor. */
  sessionResultBytesMax: 1_048_576,
  /** Longest time that a key may be given to live: a hundred years. */
  ttlMsMax: 3_155_760_000_000,
  /** Keys whose time has come that one entry deletes. */
  expiriesPerEntryMax: 1000,
  /** Keys of a range that one write of a clear looks at, and deletes. */
  clearKeysMax: 1000,
  /** The same in bytes of the keys that it deletes, and of the records that it reads for that. */
  clearKeyBytesMax: 262_144,
  clearReadBytesMax: 8_388_608,
  requestsPerFrameMax: 4096,
  keysPerReadMax: 10_000,
  /** Longest frame accepted on a client link. */
  clientFrameBytesMax: 16_777_216,
  /** Longest frame accepted on a peer or snapshot link. */
  peerFrameBytesMax: 67_108_864,
  /** An entry takes no further request beyond this. */
  entryBytesMax: 1_048_576,
  entryRequestsMax: 4096,
  /** Unacknowledged appends to one peer. */
  peerWindowEntries: 256,
  peerWindowBytes: 8_388_608,
  /** Entries kept in memory for peers that lag a little. */
  logCacheBytesMax: 33_554_432,
  /**
   * Admitted requests not yet logged, what their conditions and gets depend on included. `local` writes that wait for
   * replication have as many bytes of their own, and so has what waits for a primary to open its office.
   */
  admitQueueRequestsMax: 16_384,
  admitQueueBytesMax: 67_108_864,
  /** Log above applied. */
  unappliedBytesMax: 67_108_864,
  /** `local` writes may be this far above the commit index, in bytes and in age. */
  asyncLagBytesMax: 8_388_608,
  asyncLagMsMax: 1000,
  asyncWaitersMax: 4096,
  pendingReadsMax: 16_384,
  /** Some new requests are refused while writes wait longer than this to be logged, or the event loop is later. */
  shedQueueMs: 1000,
  shedLoopMs: 50,
  /** Sequences a session may have above its floor. */
  sessionWindow: 4096,
  sessionsMax: 10_000,
  /** A session unused for so long may be expired. */
  sessionIdleMs: 600_000,
  historyTermsMax: 10_000,
  clientConnectionsMax: 10_000,
  /** Requests of one connection without an answer yet. */
  clientOutstandingRequestsMax: 16_384,
  /** Longest first message of a connection: who has not said hello yet may not fill the memory. */
  helloBytesMax: 65_536,
  /** A connection that has not said hello by then is closed. */
  handshakeTimeoutMs: 3000,
  /**
   * A connection over which a client says nothing for longer is cut: each says something every 30 s, or every minute where
   * a browser lets the timers of pages that nobody sees go off no more often.
   */
  clientSilentMsMax: 120_000,
  scansPerConnectionMax: 256,
  /**
   * Pages of range reads that a node reads from its store at once. Each occupies one of the four threads that a Node.js
   * process has for files (`UV_THREADPOOL_SIZE`) until the disk answers; the others are for the log and for applying.
   */
  scansRunningMax: 2,
  /** Pages that wait for that. */
  scansWaitingMax: 1024,
  scanIdleMs: 60_000,
  scanPageBytesMax: 1_048_576,
  watchesPerConnectionMax: 256,
  /** Watches of all connections of a node. */
  watchesMax: 10_000,
  /** Newest entries kept for watches that are a little behind, in bytes; what is older they read from the log. */
  watchRecentBytesMax: 16_777_216,
  /** Credit that a watch may be given at once, in bytes. */
  watchCreditBytesMax: 16_777_216,
  eventRingSize: 1024,
  /** A client link on which more than this waits to be sent when there is another answer is closed. */
  clientBufferedBytesMax: 67_108_864,
  peerBufferedBytesMax: 67_108_864,
} as const;
