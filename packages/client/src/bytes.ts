/** Bytes of a larger whole that a value may keep in memory beside its own. */
const SLACK_BYTES = 8192;

/**
 * Received bytes as abstract-level's `buffer` format. They are a view into the frame they came in: a copy if
 * they are a small part of it, since whoever keeps them would otherwise keep all of it.
 */
export function asBuffer(bytes: Uint8Array): Buffer {
  if (bytes.buffer.byteLength > bytes.byteLength * 4 + SLACK_BYTES) return Buffer.from(bytes);
  return bytes instanceof Buffer ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
