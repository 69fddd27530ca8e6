/** A list of operations is the deepest that arguments go: a transaction, a branch, a step, its bytes. */
const DEPTH_MAX = 4;

/**
 * What a call was given, with bytes of its own: keys, values and bounds, also in operations and conditions. What has a
 * life of its own (an encoding, a snapshot, a signal, what a value encoded as JSON holds) is handed on as it is.
 */
export function withOwnBytes<Given>(given: Given, depth: number = DEPTH_MAX): Given {
  if (typeof given !== 'object' || given === null || depth === 0) return given;
  if (ArrayBuffer.isView(given)) return copyOf(given);
  if (Array.isArray(given)) return given.map((part) => withOwnBytes(part, depth - 1)) as Given;
  if (Object.getPrototypeOf(given) !== Object.prototype) return given;
  const own = { ...given } as Record<PropertyKey, unknown>;
  for (const [name, part] of Object.entries(own))
    if (ArrayBuffer.isView(part) || Array.isArray(part)) own[name] = withOwnBytes(part, depth - 1);
  return own as Given;
}

function copyOf<View extends ArrayBufferView>(view: View): View {
  if (view instanceof Buffer) return Buffer.from(view) as ArrayBufferView as View;
  const bytes = view.buffer.slice(view.byteOffset, view.byteOffset + view.byteLength);
  return new (view.constructor as new (bytes: ArrayBufferLike) => View)(bytes);
}
