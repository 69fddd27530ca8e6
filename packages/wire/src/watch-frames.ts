import {
  assertNever,
  type ClientMessage,
  LIMITS,
  type ServerMessage,
  type WatchEvent,
} from '@holdfast/types';
import { packBounds, packState, readBounds, readState } from './client-parts.ts';
import {
  binary,
  choice,
  count,
  flag,
  list,
  optional,
  orNil,
  parts,
  positive,
  revision,
  term,
} from './fields.ts';
import { invalid } from './invalid.ts';
import type { Packable } from './message-pack.ts';

type WatchRequest = Extract<ClientMessage, { kind: 'watchOpen' | 'watchCredit' | 'watchClose' }>;
type WatchAnswer = Extract<ServerMessage, { kind: 'watchOpened' | 'watchEvents' }>;

/** Events lie flat in their message, four places each: code, revision, key, and value; or five with what was before. */
const EVENT_PARTS = 4;
const EVENT_PARTS_WITH_PREVIOUS = 5;
/** Kind of the event, and whether it ends its write. */
const EVENT_CODES = [
  { kind: 'put', endsWrite: false },
  { kind: 'put', endsWrite: true },
  { kind: 'del', endsWrite: false },
  { kind: 'del', endsWrite: true },
] as const;

export function packWatchRequest(code: number, message: WatchRequest): Packable[] {
  switch (message.kind) {
    case 'watchOpen':
      return [
        code,
        message.id,
        ...packState(message),
        packBounds(message.range),
        orNil(message.from),
        message.previousValues,
        message.credit,
      ];
    case 'watchCredit':
      return [code, message.watch, message.bytes];
    case 'watchClose':
      return [code, message.watch];
    default:
      return assertNever(message);
  }
}

export function readWatchRequest(kind: WatchRequest['kind'], packed: readonly unknown[]): WatchRequest {
  switch (kind) {
    case 'watchOpen': {
      parts(packed, 'message', 10);
      const from = optional(packed[7], 'from', revision);
      return {
        kind,
        id: count(packed[1], 'id'),
        ...readState(packed),
        range: readBounds(parts(packed[6], 'range', 4)),
        ...(from === undefined ? {} : { from }),
        previousValues: flag(packed[8], 'previousValues'),
        credit: readCredit(count(packed[9], 'credit')),
      };
    }
    case 'watchCredit':
      parts(packed, 'message', 3);
      return { kind, watch: count(packed[1], 'watch'), bytes: readCredit(positive(packed[2], 'bytes')) };
    case 'watchClose':
      parts(packed, 'message', 2);
      return { kind, watch: count(packed[1], 'watch') };
    default:
      return assertNever(kind);
  }
}

export function packWatchAnswer(code: number, message: WatchAnswer): Packable[] {
  switch (message.kind) {
    case 'watchOpened':
      return [code, message.id, message.revision];
    case 'watchEvents': {
      const withPrevious = message.events.some(({ previous }) => previous !== undefined);
      const events: Packable[] = [];
      for (const event of message.events) packEvent(event, events, withPrevious);
      return [code, message.id, message.term, message.revision, withPrevious, events];
    }
    default:
      return assertNever(message);
  }
}

export function readWatchAnswer(kind: WatchAnswer['kind'], packed: readonly unknown[]): WatchAnswer {
  switch (kind) {
    case 'watchOpened':
      parts(packed, 'message', 3);
      return { kind, id: count(packed[1], 'id'), revision: revision(packed[2], 'revision') };
    case 'watchEvents':
      parts(packed, 'message', 6);
      return {
        kind,
        id: count(packed[1], 'id'),
        term: term(packed[2], 'term'),
        events: readEvents(packed[5], flag(packed[4], 'withPrevious')),
        revision: revision(packed[3], 'revision'),
      };
    default:
      return assertNever(kind);
  }
}

function packEvent(event: WatchEvent, into: Packable[], withPrevious: boolean): void {
  const { kind, endsWrite } = event;
  const code = EVENT_CODES.findIndex((one) => one.kind === kind && one.endsWrite === endsWrite);
  into.push(code, event.revision, event.key, event.kind === 'put' ? event.value : null);
  if (withPrevious) into.push(orNil(event.previous));
}

function readEvents(value: unknown, withPrevious: boolean): WatchEvent[] {
  const flat = list(value, 'events');
  const places = withPrevious ? EVENT_PARTS_WITH_PREVIOUS : EVENT_PARTS;
  if (flat.length % places !== 0) throw invalid('events', 'the last one is not whole');
  const events: WatchEvent[] = [];
  for (let place = 0; place < flat.length; place += places) {
    const { kind, endsWrite } = choice(flat[place], EVENT_CODES, 'events.code');
    const head = {
      key: binary(flat[place + 2], 'events.key'),
      revision: revision(flat[place + 1], 'events.revision'),
      endsWrite,
      ...(withPrevious ? { previous: readPrevious(flat[place + 4]) } : {}),
    };
    const told = flat[place + 3];
    if (kind === 'put') events.push({ kind, ...head, value: binary(told, 'events.value') });
    else if (told === null) events.push({ kind, ...head });
    else throw invalid('events', 'a del with a value');
  }
  return events;
}

function readPrevious(value: unknown): Uint8Array | null {
  return value === null ? null : binary(value, 'events.previous');
}

function readCredit(bytes: number): number {
  if (bytes > LIMITS.watchCreditBytesMax)
    throw invalid('credit', `more than ${LIMITS.watchCreditBytesMax} bytes`);
  return bytes;
}
