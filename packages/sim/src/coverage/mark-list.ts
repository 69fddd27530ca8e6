/** A rare path: what it is, and the cases of docs/faults.md that it belongs to. */
export interface Mark {
  readonly says: string;
  readonly faults: readonly number[];
}

const LIST = {
  // Elections and terms
  preVoteRefusedSticky: { says: 'a pre-vote refused: its voter hears the primary', faults: [6, 7, 9] },
  preVoteRefusedLog: { says: 'a pre-vote refused: the log of its voter is newer', faults: [5] },
  voteIgnoredSticky: { says: 'a vote not even answered: its voter hears the primary', faults: [7] },
  voteRefused: { says: 'a vote refused in a term that both know', faults: [2, 12] },
  secondVoteRefused: { says: 'a second candidate refused in the term of a vote', faults: [2, 4] },
  termOfVoteRecovered: { says: 'a node came back with its vote', faults: [2, 3] },
  longerOlderLogRefused: { says: 'a longer log lost against a newer term', faults: [5] },
  electionLost: { says: 'a candidate found no majority', faults: [12] },
  primarySuspected: { says: 'a standby stood without waiting for the timeout', faults: [1] },
  officeEndedAlone: { says: 'a primary without a majority stepped down', faults: [8, 13] },
  officeEndedFrozen: { says: 'a primary that was frozen found out before it answered', faults: [13] },
  officeEndedByTerm: { says: 'a primary heard of a higher term', faults: [1, 23] },
  officeEndedByDisk: { says: 'a primary gave up over its stuck disk', faults: [24] },
  officeEndedFull: { says: 'a primary with a full disk handed over or gave up', faults: [38] },
  twoPrimariesAtOnce: { says: 'an old primary at work beside a new one', faults: [13, 23] },
  allNodesDown: { says: 'no node was up', faults: [3, 36] },
  wallClockSet: { says: 'a wall clock jumped', faults: [14] },
  switchoverOrdered: { says: 'a primary told its successor to stand', faults: [] },
  switchoverGivenUp: { says: 'a switchover was given up', faults: [] },
  // Replication
  oldTermOnMajority: { says: 'a majority held an entry of an old term, not committed by that', faults: [15] },
  messageRepeated: { says: 'a message between nodes arrived twice', faults: [16, 19] },
  staleAppendAnswered: { says: 'an append brought nothing that was not there', faults: [16] },
  appendBelowCommit: { says: 'an append began below what was committed', faults: [16, 18] },
  truncated: { says: 'a suffix that lost was cut', faults: [1, 15] },
  truncatedUnderPersist: { says: 'a suffix was cut while its write was under way', faults: [17] },
  cutWriteCompleted: { says: 'a write completed whose entries had been cut', faults: [17] },
  lowerTermAnswered: { says: 'a message of an older term was answered with the newer one', faults: [19] },
  conflictSkippedTerms: { says: 'a conflict went back by more than one entry', faults: [21] },
  entriesReadBack: { says: 'entries for a peer were read back from the disk', faults: [21] },
  peerWindowFull: { says: 'a peer had no room for one more append', faults: [25] },
  queueFull: { says: 'a request was refused: a queue was full', faults: [25] },
  // Snapshots
  snapshotNeeded: { says: 'a peer needed what the log no longer held', faults: [25, 35] },
  snapshotFailed: { says: 'a snapshot did not arrive', faults: [35] },
  snapshotInstalled: { says: 'a snapshot took the place of a store', faults: [31, 32, 34] },
  snapshotOverLog: { says: 'a snapshot replaced entries that were not committed there', faults: [32] },
  diedInstalling: { says: 'a node died between the base frame and the swap', faults: [31] },
  diedBeforeSwap: { says: 'a node died with a received snapshot not yet in use', faults: [31] },
  diedTakingSnapshot: { says: 'a node died with a snapshot half taken in', faults: [31] },
  diedCheckpointing: { says: 'a node died in a checkpoint', faults: [31, 44, 47] },
  diedCuttingLog: { says: 'a node died while the head of its log was let go', faults: [31] },
  logCut: { says: 'the head of a log was let go', faults: [31, 35] },
  // Durability
  diedWithUnsynced: { says: 'a node died with writes under way', faults: [36, 47] },
  diedStarting: { says: 'a node died before it had read its disk', faults: [47, 53] },
  diedFiling: { says: 'a node died while it listed what was lost', faults: [47] },
  syncFailed: { says: 'an fsync failed', faults: [37] },
  readFailed: { says: 'a read of a disk failed', faults: [37] },
  entryFailed: { says: 'a file was not opened, renamed or removed', faults: [37] },
  directorySyncFailed: { says: 'an fsync of a directory failed', faults: [37, 42] },
  writeFailed: { says: 'a write to a disk failed', faults: [37] },
  stoppedByDisk: { says: 'a node ended because its disk failed', faults: [37, 46] },
  tailLost: { says: 'a node came back without the end of its log', faults: [39] },
  unreportedTailKept: { says: 'a node came back with what it had never called durable', faults: [46] },
  storeBehindLog: { says: 'a store applied again what it had from a checkpoint on', faults: [43, 44] },
  logDamaged: { says: 'a bit or a sector of a log was lost', faults: [40] },
  holeFound: { says: 'a node found a hole in its log', faults: [40] },
  entriesPulled: { says: 'entries for a hole were asked of a peer', faults: [40] },
  holeHealed: { says: 'a hole was filled from peers', faults: [40] },
  hardStateLost: { says: 'a node found that its term and vote were gone', faults: [41] },
  manifestDamaged: { says: 'a bit of the manifest of a store was lost', faults: [33] },
  storeDamaged: { says: 'a bit of a store was lost', faults: [33] },
  storeUnusable: { says: 'a node found its store damaged, or too old for its log', faults: [33] },
  logLost: { says: 'the segments of a log were taken away', faults: [41] },
  diskWiped: { says: 'a disk was replaced by an empty one', faults: [20] },
  wipedFoundOut: { says: 'a node with an empty disk was told that it is out', faults: [20] },
  diskPutBack: { says: 'a directory was put back from an older copy', faults: [20] },
  wentBackFoundOut: { says: 'a primary found that a disk had gone back', faults: [20] },
  diskFull: { says: 'a node found its disk full', faults: [38] },
  diskHasRoom: { says: 'a node found room again', faults: [38] },
  answeredUnknown: { says: 'a logged write was answered with unknown', faults: [46, 54] },
  divergenceFiled: { says: 'lost entries were listed', faults: [36] },
  supersededSurvived: { says: 'a superseded entry turned out to have won', faults: [15, 46] },
  // Clients and reads
  repeatJoined: { says: 'a repeat joined an attempt that was pending', faults: [48] },
  repeatAnswered: { says: 'a repeat was answered with the first result', faults: [48] },
  sequenceClosed: { says: 'a repeat came after its call was given up', faults: [49] },
  sessionUnknown: { says: 'a session had expired', faults: [50] },
  sessionDiverged: { says: 'a session was told that it saw what was lost', faults: [48] },
  readBeforeOpening: { says: 'a read waited for the opening entry', faults: [51] },
  readAskedOfPrimary: { says: 'a standby asked for a read index', faults: [52] },
  readWhileReplaying: { says: 'a read came before the log was replayed', faults: [53] },
  refusedNotPrimary: { says: 'a write met a node that was not primary', faults: [54, 55] },
  deadlinePassed: { says: 'a request was answered at its deadline', faults: [55, 56] },
  keyExpired: { says: 'a key was deleted because its time had come', faults: [] },
  expiryStale: { says: 'a key that was due had been written or renewed in time', faults: [] },
  servedFromOverlay: { says: 'a session read what was not applied yet', faults: [] },
} as const;

export type MarkName = keyof typeof LIST;

/** What a run may meet on its way. A test counts them over the seeds of a CI run: none may stay at zero. */
export const MARKS: Readonly<Record<MarkName, Mark>> = LIST;

export const MARK_NAMES: readonly MarkName[] = Object.keys(MARKS) as MarkName[];
