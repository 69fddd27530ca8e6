import type { ReadReply, Revision, Term } from '@holdfast/types';
import type { LinkId } from './call.ts';
import type { CallLedger } from './call-ledger.ts';
import { SMALL_BYTES } from './desk-options.ts';
import type { FrameWriter } from './frame-writer.ts';
import type { LinkTable } from './link-table.ts';
import type { LocalReceipts } from './local-receipts.ts';
import type { SessionToken } from './session-token.ts';

/** All clients learn of a new primary at the same time: each asks it somewhere within so many milliseconds. */
const SPREAD_MS = 250;
/** A node that refused is asked again after so long, at first and at most, milliseconds. */
const PAUSE_MS_MIN = 100;
const PAUSE_MS_MAX = 5000;
/** For a node to answer, milliseconds. */
const ANSWER_MS = 5000;

interface Question {
  readonly id: number;
  readonly link: LinkId;
  readonly revision: Revision;
  /** Asked anew then. Monotonic, ms. */
  readonly until: number;
}

export interface LossProbeOptions {
  readonly ledger: CallLedger;
  readonly frames: FrameWriter;
  readonly links: LinkTable;
  readonly token: SessionToken;
  readonly locals: LocalReceipts;
  /** In [0, 1). */
  readonly random: () => number;
  readonly onLost: (loss: { lost: Revision; surviving: Revision }) => void;
}

/**
 * Asks each new primary what became of the writes that older ones had acknowledged `local`, so that a program hears of a loss
 * though it reads nothing. To reads at `session` this changes nothing: the first of them fails all the same (G10).
 */
export class LossProbe {
  readonly #options: LossProbeOptions;
  #term: Term | undefined;
  /** The newest such write of each older term whose fate is not known, oldest first. */
  #due: Revision[] = [];
  #asked: Question | undefined;
  #notBefore = 0;
  #pauseMs = PAUSE_MS_MIN;

  constructor(options: LossProbeOptions) {
    this.#options = options;
  }

  /** When it wants to ask; undefined: there is nothing to ask. */
  get dueAt(): number | undefined {
    return this.#asked?.until ?? (this.#due.length > 0 ? this.#notBefore : undefined);
  }

  /** There is a primary of that term. */
  retarget(term: Term, now: number): void {
    if (term === this.#term) return;
    this.#term = term;
    this.#asked = undefined;
    this.#due = this.#options.locals.newestOfTerms();
    this.#notBefore = now + this.#options.random() * SPREAD_MS;
    this.#pauseMs = PAUSE_MS_MIN;
  }

  flush(now: number): void {
    if (this.#asked !== undefined && now >= this.#asked.until) this.#asked = undefined;
    const { ledger, frames, links } = this.#options;
    const [revision] = this.#due;
    const { target } = links;
    if (revision === undefined || target === undefined || this.#asked !== undefined || now < this.#notBefore)
      return;
    const id = ledger.nextId();
    this.#asked = { id, link: target.link, revision, until: now + ANSWER_MS };
    const read = { id, consistency: 'session', keys: [], token: revision, remainingMs: ANSWER_MS } as const;
    frames.add(target.link, { kind: 'read', reads: [read] }, SMALL_BYTES);
  }

  /** What was asked there is not answered any more. */
  linkLost(link: LinkId): void {
    if (this.#asked?.link === link) this.#asked = undefined;
  }

  has(link: LinkId, id: number): boolean {
    return this.#asked?.id === id && this.#asked.link === link;
  }

  /** False: it is no answer to this. */
  onReply(link: LinkId, reply: ReadReply, now: number): boolean {
    const asked = this.#asked;
    if (asked === undefined || !this.has(link, reply.id)) return false;
    this.#asked = undefined;
    if ('answer' in reply) {
      this.#settle(asked.revision, asked.revision);
    } else if (reply.error.code === 'HOLDFAST_SESSION_DIVERGED') {
      this.#settle(asked.revision, (reply.error.detail ?? 0) as Revision);
    } else {
      const pauseMs = Math.max(this.#pauseMs, reply.error.retryAfterMs ?? 0);
      this.#notBefore = now + pauseMs * (0.5 + this.#options.random() / 2);
      this.#pauseMs = Math.min(this.#pauseMs * 2, PAUSE_MS_MAX);
    }
    return true;
  }

  #settle(revision: Revision, surviving: Revision): void {
    const { token, locals, onLost } = this.#options;
    this.#due.shift();
    locals.survived(surviving);
    const lost = token.newestLost(revision, surviving) ?? revision;
    if (lost > surviving) onLost({ lost, surviving });
  }
}
