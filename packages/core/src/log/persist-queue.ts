import { assert, type LogIndex, type Ticket } from '@holdfast/types';

interface Outstanding {
  readonly ticket: Ticket;
  readonly issuedAt: number;
  /** First index of its entries; 0 when it holds none. */
  readonly first: LogIndex;
  /** Its completion makes the log durable up to here; lowered by a truncation (P8). */
  coverage: LogIndex;
}

/**
 * Persist orders under way, first-in first-out (P2), and how far the log is durable.
 * A completion names a ticket, never an (index, term): a truncation caps what older tickets prove (P8).
 */
export class PersistQueue {
  #issued: Ticket;
  #completed: Ticket;
  #durable: LogIndex;
  /** Newest ticket that changed term or vote: what a promise about the term rests on. */
  #stateTicket = 0 as Ticket;
  #outstanding: Outstanding[] = [];

  constructor(recovered: { readonly ticket: Ticket; readonly durable: LogIndex }) {
    this.#issued = recovered.ticket;
    this.#completed = recovered.ticket;
    this.#durable = recovered.durable;
  }

  get durable(): LogIndex {
    return this.#durable;
  }

  get completed(): Ticket {
    return this.#completed;
  }

  get stateTicket(): Ticket {
    return this.#stateTicket;
  }

  get idle(): boolean {
    return this.#outstanding.length === 0;
  }

  /** Issue time of the oldest order under way, ms; undefined when idle. */
  get oldestIssuedAt(): number | undefined {
    return this.#outstanding[0]?.issuedAt;
  }

  issue(order: {
    readonly now: number;
    readonly first: LogIndex;
    readonly last: LogIndex;
    readonly changesState: boolean;
  }): Ticket {
    this.#issued = (this.#issued + 1) as Ticket;
    if (order.changesState) this.#stateTicket = this.#issued;
    this.#outstanding.push({
      ticket: this.#issued,
      issuedAt: order.now,
      first: order.first,
      coverage: order.last,
    });
    return this.#issued;
  }

  /** Everything up to `ticket` is on stable storage. */
  complete(ticket: Ticket): void {
    assert(ticket <= this.#issued, `completion of ticket ${ticket}, which was never issued`);
    if (ticket <= this.#completed) return;
    this.#completed = ticket;
    let done = 0;
    for (const order of this.#outstanding) {
      if (order.ticket > ticket) break;
      done++;
      if (order.coverage > this.#durable) this.#durable = order.coverage;
    }
    this.#outstanding.splice(0, done);
  }

  /** The log was cut before `from`: nothing issued earlier proves anything at or above it. */
  truncate(from: LogIndex): void {
    const cap = (from - 1) as LogIndex;
    if (this.#durable > cap) this.#durable = cap;
    for (const order of this.#outstanding) if (order.coverage > cap) order.coverage = cap;
  }

  /** A snapshot that is durable replaces the log up to `index`. */
  rebase(index: LogIndex): void {
    if (this.#durable < index) this.#durable = index;
  }

  /** The newest ticket that "this log holds `index`" rests on (P5); 0 when it is durable. */
  ticketFor(index: LogIndex): Ticket {
    if (index <= this.#durable) return 0 as Ticket;
    for (let at = this.#outstanding.length - 1; at >= 0; at--) {
      const order = this.#outstanding[at]!;
      if (order.first !== 0 && order.first <= index && order.coverage >= order.first) return order.ticket;
    }
    return this.#issued;
  }
}
