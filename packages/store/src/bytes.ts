/** Thrown by `ByteReader` for bytes that end early or hold a number out of range. */
export class UnreadableBytesError extends Error {
  override readonly name = 'UnreadableBytesError';
}

const LENGTH_AT_FIRST_BYTES = 256;

/** Builds one binary record. Integers are safe and non-negative; multi-byte fields are big-endian. */
export class ByteWriter {
  #bytes: Buffer = Buffer.allocUnsafe(LENGTH_AT_FIRST_BYTES);
  #length = 0;

  u8(value: number): void {
    this.#reserve(1);
    this.#bytes[this.#length] = value;
    this.#length += 1;
  }

  /** Seven bits a byte, lowest first: up to eight bytes for a safe integer. */
  varint(value: number): void {
    this.#reserve(8);
    let rest = value;
    while (rest > 0x7f) {
      this.#bytes[this.#length] = (rest % 0x80) | 0x80;
      this.#length += 1;
      rest = Math.floor(rest / 0x80);
    }
    this.#bytes[this.#length] = rest;
    this.#length += 1;
  }

  float64(value: number): void {
    this.#reserve(8);
    this.#bytes.writeDoubleBE(value, this.#length);
    this.#length += 8;
  }

  /** Length, then the bytes. */
  bytes(value: Uint8Array): void {
    this.varint(value.byteLength);
    this.#reserve(value.byteLength);
    this.#bytes.set(value, this.#length);
    this.#length += value.byteLength;
  }

  text(value: string): void {
    this.bytes(Buffer.from(value, 'utf8'));
  }

  /** What was written. The writer must not be used afterwards. */
  finish(): Uint8Array {
    return this.#bytes.subarray(0, this.#length);
  }

  #reserve(count: number): void {
    if (this.#length + count <= this.#bytes.byteLength) return;
    const grown = Buffer.allocUnsafe(Math.max(this.#bytes.byteLength * 2, this.#length + count));
    grown.set(this.#bytes.subarray(0, this.#length));
    this.#bytes = grown;
  }
}

/** Reads what `ByteWriter` wrote; throws `UnreadableBytesError` and nothing else, for any bytes. */
export class ByteReader {
  readonly #bytes: Buffer;
  #position = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  u8(): number {
    this.#need(1);
    const value = this.#bytes[this.#position]!;
    this.#position += 1;
    return value;
  }

  varint(): number {
    let value = 0;
    let scale = 1;
    for (;;) {
      const byte = this.u8();
      value += (byte & 0x7f) * scale;
      if (value > Number.MAX_SAFE_INTEGER) throw new UnreadableBytesError('a number is out of range');
      if (byte < 0x80) return value;
      scale *= 0x80;
    }
  }

  float64(): number {
    this.#need(8);
    const value = this.#bytes.readDoubleBE(this.#position);
    this.#position += 8;
    return value;
  }

  /** A view of the bytes read from, not a copy. */
  bytes(): Uint8Array {
    const length = this.varint();
    this.#need(length);
    const value = this.#bytes.subarray(this.#position, this.#position + length);
    this.#position += length;
    return value;
  }

  text(): string {
    return Buffer.from(this.bytes()).toString('utf8');
  }

  /** Nothing may be left over: a record that says more than it should is as wrong as one that ends early. */
  end(): void {
    if (this.#position !== this.#bytes.byteLength) {
      throw new UnreadableBytesError(`${this.#bytes.byteLength - this.#position} bytes too many`);
    }
  }

  #need(count: number): void {
    if (this.#position + count > this.#bytes.byteLength) throw new UnreadableBytesError('it ends too early');
  }
}
