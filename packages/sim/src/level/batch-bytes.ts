import type { LevelOperation } from '@holdfast/store';

const HEADER_BYTES = 9;

/** Operations as a log or a table holds them: `type, key length, value length, key, value`, one after the other. */
export function encodeOperations(operations: Iterable<LevelOperation>): Uint8Array {
  const parts: Uint8Array[] = [];
  for (const operation of operations) {
    const { key } = operation;
    const value = operation.type === 'put' ? operation.value : new Uint8Array(0);
    const header = Buffer.alloc(HEADER_BYTES);
    header.writeUInt8(operation.type === 'put' ? 1 : 0, 0);
    header.writeUInt32BE(key.length, 1);
    header.writeUInt32BE(value.length, 5);
    parts.push(header, key, value);
  }
  return Buffer.concat(parts);
}

export function decodeOperations(bytes: Uint8Array): LevelOperation[] {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const operations: LevelOperation[] = [];
  for (let position = 0; position < buffer.length; ) {
    const keyEnd = position + HEADER_BYTES + buffer.readUInt32BE(position + 1);
    const end = keyEnd + buffer.readUInt32BE(position + 5);
    const key = buffer.subarray(position + HEADER_BYTES, keyEnd);
    operations.push(
      buffer.readUInt8(position) === 1
        ? { type: 'put', key, value: buffer.subarray(keyEnd, end) }
        : { type: 'del', key },
    );
    position = end;
  }
  return operations;
}
