import type { Core, Effect, Input, PersistOrder } from '@holdfast/core';
import { type Entry, entryBytes, type LogIndex, type PeerMessage, type Ticket } from '@holdfast/types';
import type { Meet, StepMarks } from './step-marks.ts';

type Append = Extract<PeerMessage, { kind: 'append' }>;

/** A write of entries that is under way. */
interface Writing {
  readonly ticket: Ticket;
  readonly last: LogIndex;
  /** A truncation cut some of them meanwhile. */
  cut: boolean;
}

/** How entries go from one log to the other. */
export class LogMarks implements StepMarks {
  readonly #meet: Meet;
  #writing: Writing[] = [];

  constructor(meet: Meet) {
    this.#meet = meet;
  }

  before(core: Core, input: Input): void {
    if (input.kind === 'persisted') this.#persisted(input.ticket);
    if (input.kind !== 'message') return;
    const { message } = input;
    if (message.kind === 'append' && message.term === core.context.term)
      if (message.previous.index < core.context.commit) this.#meet('appendBelowCommit');
    if (message.kind === 'append' && message.entries.length > 0 && isFull(core)) this.#meet('standbyFull');
  }

  after(core: Core, input: Input, effects: readonly Effect[]): void {
    for (const effect of effects) this.#effect(effect);
    if (awaitsApply(core)) this.#meet('writesAwaitApply');
    if (input.kind !== 'message') return;
    if (input.message.kind === 'append') this.#appended(input.message, effects);
    if (input.message.kind === 'appendMatch') this.#matched(core);
  }

  #persisted(ticket: Ticket): void {
    if (this.#writing.some((writing) => writing.cut && writing.ticket <= ticket))
      this.#meet('cutWriteCompleted');
    this.#writing = this.#writing.filter((writing) => writing.ticket > ticket);
  }

  #effect(effect: Effect): void {
    switch (effect.kind) {
      case 'persist':
        this.#ordered(effect.order);
        break;
      case 'send':
        this.#sent(effect.message);
        break;
      case 'notice':
        if (effect.notice.kind === 'truncated') this.#truncated(effect.notice.from);
        break;
      default:
    }
  }

  #ordered({ ticket, record }: PersistOrder): void {
    if (record.kind !== 'entries') return;
    const last = record.entries.at(-1);
    if (last !== undefined) this.#writing.push({ ticket, last: last.index, cut: false });
    for (const entry of record.entries) this.#expired(entry);
  }

  #expired({ body }: Entry): void {
    if (body.kind !== 'requests') return;
    for (const request of body.requests) {
      if (request.kind !== 'expire') continue;
      for (const { isDeleted } of request.due) this.#meet(isDeleted ? 'keyExpired' : 'expiryStale');
    }
  }

  #truncated(from: LogIndex): void {
    this.#meet('truncated');
    for (const writing of this.#writing) if (writing.last >= from) writing.cut = true;
    if (this.#writing.some(({ cut }) => cut)) this.#meet('truncatedUnderPersist');
  }

  #sent(message: PeerMessage): void {
    if (message.kind === 'higherTerm') this.#meet('lowerTermAnswered');
    if (message.kind === 'appendConflict' && message.hint.index + 1 < message.rejected)
      this.#meet('conflictSkippedTerms');
  }

  #appended({ entries }: Append, effects: readonly Effect[]): void {
    const stores = effects.some((effect) => effect.kind === 'persist');
    const sent = effects.flatMap((effect) => (effect.kind === 'send' ? [effect.message.kind] : []));
    if (entries.length > 0 && !stores && sent.includes('appendMatch')) this.#meet('staleAppendAnswered');
    if (entries.length === 0 && sent.includes('appendConflict')) this.#meet('emptyAppendRefused');
  }

  #matched({ office, context }: Core): void {
    if (office === undefined) return;
    const { replicator } = office;
    const matches = replicator.matches().sort((one, other) => other - one);
    const held = matches[Math.floor(matches.length / 2)]!;
    if (held > context.commit && (context.log.termAt(held) ?? office.term) < office.term)
      this.#meet('oldTermOnMajority');
    const { peerWindowEntries: entries, peerWindowBytes: bytes } = context.config.limits;
    for (const progress of replicator.progress.values())
      if (progress.state === 'replicate' && !progress.hasRoom({ entries, bytes }))
        this.#meet('peerWindowFull');
  }
}

function awaitsApply({ office, context, applier }: Core): boolean {
  if (office === undefined || office.admission.queued === 0 || !context.persists.idle) return false;
  const { log, config } = context;
  let bytes = 0;
  for (let index = applier.applied.index + 1; index <= log.last.index; index += 1)
    bytes += entryBytes(log.cached(index as LogIndex)!);
  return bytes >= config.limits.unappliedBytesMax;
}

/** See `Standby`. */
function isFull({ context, applier }: Core): boolean {
  const { log, commit, config } = context;
  const { unappliedBytesMax, logCacheBytesMax } = config.limits;
  return applier.applied.index < commit && log.cacheBytes > unappliedBytesMax + logCacheBytesMax;
}
