/** Snapshot transfers: sizes in bytes, times in milliseconds. */
export const SNAPSHOT_TRANSFER = {
  chunkBytesMax: 262_144,
  /** Chunks sent and not yet reported as stored. */
  windowChunks: 4,
  /** Given up when neither side has reported anything for so long. A transfer that moves may take for ever. */
  stallMsMax: 10_000,
  /** While the receiver verifies and installs, it says that it still lives this often. */
  aliveMs: 1000,
} as const;
