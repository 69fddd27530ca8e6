import type { Clock, Timer } from '@holdfast/types';

/** When the first byte of a parcel leaves, when it is there, and when the last one is. */
interface Passage {
  readonly leavesAt: number;
  readonly beginsAt: number;
  readonly arrivesAt: number;
}

/** The next parcel of so many bytes or more comes in by a share of them, and nothing after it. */
export interface Halt {
  readonly bytesMin: number;
  readonly share: number;
  /** It does not happen any more. */
  isOff: boolean;
  onHalted(): void;
}

/** One way between two hosts, as it is now. */
export class SimLink {
  readonly from: string;
  readonly to: string;
  /** Milliseconds, drawn anew for each parcel when it is a function. */
  latencyMs: number | (() => number);
  /** Milliseconds beyond that. */
  lateMs: (() => number) | undefined;
  halt: Halt | undefined;
  #isCut = false;
  /** Nothing arrives before. */
  #stalledUntil = 0;
  /** All connections over it share it; undefined: whatever is sent leaves at once. */
  #bytesPerMs: number | undefined;
  /** All that was given to a slow one has left. */
  #freeAt = 0;
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

  get isSlow(): boolean {
    return this.#bytesPerMs !== undefined;
  }

  setCut(isCut: boolean): void {
    if (this.#isCut === isCut) return;
    this.#change(() => {
      this.#isCut = isCut;
    });
  }

  stall(forMs: number): void {
    this.#change(() => {
      this.#stalledUntil = this.#clock.now() + forMs;
    });
  }

  get bytesPerMs(): number | undefined {
    return this.#bytesPerMs;
  }

  /** Undefined: as many as there are. What waits for its turn leaves at the new pace. */
  set bytesPerMs(bytesPerMs: number | undefined) {
    this.#change(() => {
      this.#bytesPerMs = bytesPerMs;
    });
  }

  /** A wire with parcels wants to know of changes; one without is forgotten. */
  onWire(wire: SimWire, isBusy: boolean): void {
    if (isBusy) this.#busyWires.add(wire);
    else this.#busyWires.delete(wire);
  }

  /** Parcels are gone that others waited behind. */
  onRoom(): void {
    this.#change(() => {});
  }

  /** Of so many bytes that are given to it now. */
  draw(bytes: number): Passage {
    const latencyMs =
      (typeof this.latencyMs === 'number' ? this.latencyMs : this.latencyMs()) + (this.lateMs?.() ?? 0);
    const leavesAt = Math.max(this.#clock.now(), this.#stalledUntil, this.#freeAt);
    const takesMs = this.#bytesPerMs === undefined ? 0 : bytes / this.#bytesPerMs;
    if (this.isSlow) this.#freeAt = leavesAt + takesMs;
    return { leavesAt, beginsAt: leavesAt + latencyMs, arrivesAt: leavesAt + takesMs + latencyMs };
  }

  /** What is under way sets out anew, but for those bytes of it that have come in. */
  #change(apply: () => void): void {
    const wasSlow = this.isSlow;
    const wires = [...this.#busyWires];
    for (const wire of wires) wire.onLinkChanges();
    apply();
    this.#freeAt = 0;
    for (const wire of wires) wire.onLinkChanged(wasSlow);
  }
}

interface Parcel {
  readonly bytes: number;
  readonly deliver: () => void;
  /** Bytes that had come in when its link changed last. */
  cameIn: number;
  /** Of the others. */
  passage: Passage;
  /** Its wire breaks amid it. */
  readonly halt: Halt | undefined;
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
  /** Nothing comes in any more: what has of the first parcel is all. */
  #isHalted = false;

  constructor(clock: Clock, link: SimLink) {
    this.#clock = clock;
    this.link = link;
  }

  /** Bytes that cannot set out, or wait for their turn. */
  get stalledBytes(): number {
    const { isCut, isSlow } = this.link;
    const isStuck = isCut || this.#isHalted;
    if (!isStuck && !isSlow) return 0;
    const now = this.#clock.now();
    return this.#parcels
      .filter(({ passage }) => isStuck || passage.leavesAt > now)
      .reduce((sum, { bytes, cameIn }) => sum + bytes - cameIn, 0);
  }

  /** Bytes that have come in of a parcel that has not done so whole. */
  get arrivedBytes(): number {
    const [first] = this.#parcels;
    if (first === undefined) return 0;
    const { bytes, cameIn, passage } = first;
    const { beginsAt, arrivesAt } = passage;
    if (this.link.isCut || this.#isHalted || beginsAt === arrivesAt) return cameIn;
    const share = Math.max(0, this.#clock.now() - beginsAt) / (arrivesAt - beginsAt);
    const arrived = cameIn + Math.floor(Math.min(1, share) * (bytes - cameIn));
    return Math.max(cameIn, Math.min(arrived, haltBytes(first)));
  }

  send(bytes: number, deliver: () => void): void {
    const halt = bytes >= (this.link.halt?.bytesMin ?? Infinity) ? this.link.halt : undefined;
    if (halt !== undefined) this.link.halt = undefined;
    this.#parcels.push({ bytes, deliver, cameIn: 0, passage: this.link.draw(bytes), halt });
    this.link.onWire(this, true);
    this.#plan();
  }

  /** Before it does. */
  onLinkChanges(): void {
    const [first] = this.#parcels;
    if (first !== undefined) first.cameIn = this.arrivedBytes;
  }

  /** `sooner`: what is under way may be there before it was to be. */
  onLinkChanged(sooner: boolean): void {
    this.#timer?.cancel();
    this.#timer = undefined;
    if (this.link.isCut) return;
    for (const parcel of this.#parcels) {
      const { arrivesAt } = parcel.passage;
      const passage = this.link.draw(parcel.bytes - parcel.cameIn);
      parcel.passage = sooner ? passage : { ...passage, arrivesAt: Math.max(arrivesAt, passage.arrivesAt) };
    }
    this.#plan();
  }

  /** What is under way is lost. */
  clear(): void {
    this.#keep(() => false);
  }

  /** Its sender is gone: what has not left over a slow link never will. */
  dropUnsent(): void {
    const now = this.#clock.now();
    if (this.link.isSlow) this.#keep(({ passage }) => passage.leavesAt <= now);
  }

  #keep(isKept: (parcel: Parcel) => boolean): void {
    const kept = this.#parcels.filter(isKept);
    this.#isHalted &&= kept[0] === this.#parcels[0];
    this.#parcels.splice(0, Infinity, ...kept);
    this.#timer?.cancel();
    this.#timer = undefined;
    if (kept.length === 0) this.link.onWire(this, false);
    if (this.link.isSlow) this.link.onRoom();
    else this.#plan();
  }

  #plan(): void {
    const [first] = this.#parcels;
    if (first === undefined || this.#timer !== undefined || this.link.isCut || this.#isHalted) return;
    this.#timer = this.#clock.setTimer(first.passage.arrivesAt - this.#clock.now(), () => {
      this.#timer = undefined;
      if (first.halt?.isOff === false) {
        this.#isHalted = true;
        first.cameIn = Math.max(first.cameIn, haltBytes(first));
        first.halt.onHalted();
        return;
      }
      this.#parcels.shift();
      if (this.#parcels.length === 0) this.link.onWire(this, false);
      this.#plan();
      first.deliver();
    });
  }
}

/** At most so many of it come in. */
function haltBytes({ bytes, halt }: Parcel): number {
  return halt?.isOff === false ? Math.floor(halt.share * bytes) : bytes;
}
