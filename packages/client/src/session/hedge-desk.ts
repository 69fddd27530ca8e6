import type { WireError } from '@holdfast/types';
import { Hedges } from '../resilience/hedges.ts';
import type { Resilience } from '../resilience/resilience.ts';
import { type LinkId, NO_LINK, type ReadCall } from './call.ts';
import type { DeskOptions } from './desk-options.ts';
import type { FrameWriter } from './frame-writer.ts';
import type { LinkTable } from './link-table.ts';
import { isFailureOfNode, isOut } from './verdicts.ts';
import { remainingMs } from './write-lane.ts';

/**
 * Second copies of reads of keys, for other nodes than the first: whichever is answered first counts. The node of the other
 * is not told, as a read of keys is over by the time that it could hear of it.
 */
export class HedgeDesk {
  readonly hedges: Hedges<ReadCall>;
  readonly #resilience: Resilience;
  readonly #links: LinkTable;
  readonly #frames: FrameWriter;
  readonly #answerMarginMs: number;

  constructor({ limits, resilience, links, frames }: DeskOptions) {
    this.hedges = new Hedges(limits.resilience.hedge, resilience.budget);
    this.#resilience = resilience;
    this.#links = links;
    this.#frames = frames;
    this.#answerMarginMs = limits.answerMarginMs;
  }

  flush(now: number): void {
    for (const call of this.hedges.due(now)) {
      // One that asks with an older token, to learn that one's fate, may have to ask twice as it is.
      const link = call.token === call.needed ? this.#links.forHedge(call) : NO_LINK;
      if (link !== NO_LINK) this.#send(call, link, now);
    }
  }

  /** An answer that counts. */
  answered(call: ReadCall, link: LinkId, now: number): void {
    const isSecond = call.link !== link;
    if (isSecond) this.#resilience.tally.hedgesWon += 1;
    this.#resilience.budget.succeeded(call.isCharged || isSecond, call.passedOn);
    // From the first copy on, which is what the caller waited.
    this.hedges.answered(now - call.firstSentAt);
  }

  /** True: of the two copies the other may still be answered, and this refusal is of no interest. */
  refused(call: ReadCall, link: LinkId, error: WireError): boolean {
    if (call.hedgeLink === NO_LINK) return false;
    if (!error.retryable || error.code === 'HOLDFAST_SESSION_DIVERGED') return false;
    if (isFailureOfNode(error)) this.#links.breakerOf(link)?.refused();
    if (isOut(error)) this.#links.setOut(link);
    if (link === call.link) call.promoteHedge();
    else call.hedgeLink = NO_LINK;
    return true;
  }

  #send(call: ReadCall, link: LinkId, now: number): void {
    this.hedges.hedged();
    this.#resilience.tally.hedges += 1;
    this.#resilience.tally.attempts += 1;
    call.attempts += 1;
    call.hedgeLink = link;
    call.hedgedAt = now;
    call.remainingMs = remainingMs(call.deadline, now, this.#answerMarginMs);
    this.#links.breakerOf(link)?.sent(now);
    this.#frames.addRead(link, call);
  }
}
