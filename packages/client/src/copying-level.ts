import { AbstractLevel } from 'abstract-level';

/** What is used of abstract-level's encodings. */
interface Encoding {
  encode(data: unknown): Buffer;
}

/** Undocumented in abstract-level's types: all that it encodes is encoded by what these give. */
interface Encoder {
  keyEncoding(asked?: unknown): Encoding;
  valueEncoding(asked?: unknown): Encoding;
}

/** An abstract-level that takes bytes as they are when a call is made. */
export class CopyingLevel<K, V> extends AbstractLevel<Buffer, K, V> {
  constructor(...given: ConstructorParameters<typeof AbstractLevel<Buffer, K, V>>) {
    super(...given);
    copyGivenBytes(this);
  }
}

/**
 * From now on what callers make of a buffer after a call changes nothing, as with `level`. Some encodings hand on the very
 * bytes that they are given, and a call may be sent at the end of its turn, or again after a failover: the answer to its
 * first attempt must not be taken for one to other bytes.
 */
export function copyGivenBytes(database: unknown): void {
  const encoder = database as Encoder;
  const known = new Map<unknown, Encoding>();
  for (const name of ['keyEncoding', 'valueEncoding'] as const) {
    const find = encoder[name].bind(encoder);
    // Asked for nothing, each has its own; anything else stands for the same one in both.
    encoder[name] = (asked) => known.get(asked) ?? learned(known, asked, find(asked));
  }
}

function learned(known: Map<unknown, Encoding>, asked: unknown, encoding: Encoding): Encoding {
  let copying = known.get(encoding);
  if (copying === undefined) {
    copying = copyingOf(encoding);
    known.set(encoding, copying);
    // What it gave may be handed back to it.
    known.set(copying, copying);
  }
  if (asked !== undefined) known.set(asked, copying);
  return copying;
}

/** Like `encoding`, but never giving bytes that it was given. */
function copyingOf(encoding: Encoding): Encoding {
  const encode = (data: unknown): Buffer => {
    const encoded = encoding.encode(data);
    if (encoded === data) return copyOf(encoded);
    return ArrayBuffer.isView(data) && data.buffer === encoded.buffer ? copyOf(encoded) : encoded;
  };
  return Object.create(encoding, { encode: { value: encode, enumerable: true } }) as Encoding;
}

/** In less time than `Buffer.from`: keys and values are short, and this is done to each of them. */
function copyOf(bytes: Buffer): Buffer {
  const copy = Buffer.allocUnsafe(bytes.byteLength);
  copy.set(bytes);
  return copy;
}
