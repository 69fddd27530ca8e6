import type { Clock, Timer } from '@holdfast/types';

/** One way between two hosts, as it is now. */
export class SimLink {
  readonly from: string;
  readonly to: string;
  /** Milliseconds, drawn anew for each parcel when it is a function. */
  latencyMs: number | (() => number);
  #isCut = false;
  /** Nothing arrives before. */
  #stalledUntil = 0;
  readonly #clock: Clock;
  readonly #busyWires: Set<SimWire> = new Set();

  constructor(options: { clock: Clock; from: string; to: string; latencyMs: number | (() => number) }) {
    this.#clock = options.clock;
    this.from = options.from;
    this.to = options.to;
    this.latencyMs = options.latencyMs;
  }

  get isCut(): boolean {
    return this.#isCut;
  }

  setCut(isCut: boolean): void {
    if (this.#isCut === isCut) return;
    this.#isCut = isCut;
    for (const wire of [...this.#busyWires]) wire.onLinkChange();
  }

  stall(forMs: number): void {
    this.#stalledUntil = this.#clock.now() + forMs;
    for (const wire of [...this.#busyWires]) wire.onLinkChange();
  }

  /** A wire with parcels wants to know of changes; one without is forgotten. */
  onWire(wire: SimWire, isBusy: boolean): void {
    if (isBusy) this.#busyWires.add(wire);
    else this.#busyWires.delete(wire);
  }

  /** When something that sets out now is there. */
  drawArrival(): number {
    const latencyMs = typeof this.latencyMs === 'number' ? this.latencyMs : this.latencyMs();
    return Math.max(this.#clock.now(), this.#stalledUntil) + latencyMs;
  }
}

interface Parcel {
  readonly bytes: number;
  readonly deliver: () => void;
  arrivesAt: number;
}

/**
 * One direction of a connection: in order and complete as TCP is. While the link is cut parcels wait, as
 * segments that TCP sends again and again, and set out anew when it heals.
 */
export class SimWire {
  readonly link: SimLink;
  readonly #clock: Clock;
  readonly #parcels: Parcel[] = [];
  #timer: Timer | undefined;

  constructor(clock: Clock, link: SimLink) {
    this.#clock = clock;
    this.link = link;
  }

  /** Bytes that cannot set out. */
  get stalledBytes(): number {
    return this.link.isCut ? this.#parcels.reduce((sum, parcel) => sum + parcel.bytes, 0) : 0;
  }

  send(bytes: number, deliver: () => void): void {
    this.#parcels.push({ bytes, deliver, arrivesAt: this.link.drawArrival() });
    this.link.onWire(this, true);
    this.#plan();
  }

  onLinkChange(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
    if (this.link.isCut) return;
    const earliest = this.link.drawArrival();
    for (const parcel of this.#parcels) parcel.arrivesAt = Math.max(parcel.arrivesAt, earliest);
    this.#plan();
  }

  /** What is under way is lost. */
  clear(): void {
    this.#parcels.length = 0;
    this.#timer?.cancel();
    this.#timer = undefined;
    this.link.onWire(this, false);
  }

  #plan(): void {
    const [first] = this.#parcels;
    if (first === undefined || this.#timer !== undefined || this.link.isCut) return;
    this.#timer = this.#clock.setTimer(first.arrivesAt - this.#clock.now(), () => {
      this.#timer = undefined;
      this.#parcels.shift();
      if (this.#parcels.length === 0) this.link.onWire(this, false);
      this.#plan();
      first.deliver();
    });
  }
}
