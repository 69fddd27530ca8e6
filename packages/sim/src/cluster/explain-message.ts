import {
  CLIENT_SUBPROTOCOL,
  type Entry,
  HoldfastError,
  PEER_SUBPROTOCOL,
  SNAPSHOT_SUBPROTOCOL,
} from '@holdfast/types';
import {
  decodeClientMessages,
  decodePeerFrame,
  decodePeerHello,
  decodeServerMessages,
  decodeSnapshotMessage,
  EntryCodec,
} from '@holdfast/wire';
import type { SentMessage } from '../network/network-observer.ts';

/** What a message says, for people: its decoded form on one line. */
export function explainMessage(message: SentMessage): string {
  const { subprotocol, isCallers, bytes } = message;
  switch (subprotocol) {
    case PEER_SUBPROTOCOL:
      return firstThatReads(
        () => decodePeerFrame(bytes, new EntryCodec()).messages.map(textOf).join('; ') || 'pulse',
        () => textOf(decodePeerHello(bytes)),
      );
    case SNAPSHOT_SUBPROTOCOL:
      return firstThatReads(
        () => textOf(decodeSnapshotMessage(bytes)),
        () => textOf(decodePeerHello(bytes)),
      );
    case CLIENT_SUBPROTOCOL:
      return firstThatReads(() =>
        (isCallers ? decodeClientMessages(bytes) : decodeServerMessages(bytes)).map(textOf).join('; '),
      );
    default:
      return `${bytes.length} bytes`;
  }
}

function firstThatReads(...readers: readonly (() => string)[]): string {
  for (const read of readers) {
    try {
      return read();
    } catch (error) {
      if (!(error instanceof HoldfastError)) throw error;
    }
  }
  return 'not understood';
}

/** `kind {field: value, …}`, byte strings as text, entries in short. */
function textOf(value: object): string {
  const { kind, ...fields } = value as { kind?: string };
  return `${kind ?? 'hello'} ${JSON.stringify(fields, shorten).replaceAll('"', '')}`;
}

function entryText(entry: Entry): string {
  return `${entry.index}@${entry.term}${entry.body.kind === 'requests' ? '' : ` ${entry.body.kind}`}`;
}

const TEXT_CHARACTERS_MAX = 40;

function shorten(_key: string, value: unknown): unknown {
  if (value instanceof Uint8Array || isSerializedBuffer(value)) {
    const bytes = value instanceof Uint8Array ? value : Uint8Array.from(value.data);
    return Buffer.from(bytes).toString('latin1').slice(0, TEXT_CHARACTERS_MAX);
  }
  if (isEntry(value)) return entryText(value);
  return value;
}

/** What JSON makes of a Buffer before anybody is asked. */
function isSerializedBuffer(value: unknown): value is { data: number[] } {
  return typeof value === 'object' && value !== null && 'type' in value && value.type === 'Buffer';
}

function isEntry(value: unknown): value is Entry {
  return typeof value === 'object' && value !== null && 'previousTerm' in value && 'body' in value;
}
