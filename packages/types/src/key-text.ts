/** Up to here `String.fromCharCode` beats a `Buffer` view. */
const SHORT_KEY_BYTES = 64;

/** The key as text with one character per byte: equal texts are equal keys, and they sort as keys do. */
export function keyText(key: Uint8Array): string {
  if (key.byteLength <= SHORT_KEY_BYTES) return String.fromCharCode.apply(null, key as unknown as number[]);
  return Buffer.from(key.buffer, key.byteOffset, key.byteLength).toString('latin1');
}
