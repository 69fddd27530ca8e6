import { Holdfast } from '@holdfast/client';
import { SystemClock, SystemRandom } from '@holdfast/io';
import { CountingTransport } from '../cluster/counting-transport.ts';
import type { LocalCluster } from '../cluster/local-cluster.ts';
import { waitUntil } from '../faults/wait-until.ts';

/** A tenth of a second, or longer where this process was not given the time to look. */
export interface Interval {
  /** From the beginning of the load, milliseconds. */
  readonly at: number;
  readonly ms: number;
  /** Requests and frames that were handed to sockets, and so reach nodes. */
  readonly operations: number;
  readonly frames: number;
  readonly issued: number;
}

const INTERVAL_MS = 100;
/** A call that takes longer has waited. */
const PROMPT_MS = 500;
/** Connections are made little by little: they are not what is measured. */
const OPENED_AT_ONCE = 20;

/** Many clients, each with connections of its own, that issue calls at fixed times whatever becomes of those before. */
export class Storm {
  readonly intervals: Interval[] = [];
  /** When calls succeeded that had waited: from the beginning of the load, milliseconds. */
  readonly released: number[] = [];
  readonly failed: Map<string, number> = new Map();
  readonly #clients: readonly Holdfast[];
  readonly #transport: CountingTransport;
  readonly #everyMs: number;
  #startedAt = 0;
  #issued = 0;
  #pending = 0;
  #timer: NodeJS.Timeout | undefined;
  #before = { at: 0, operations: 0, frames: 0, issued: 0 };
  readonly #prompt: number[] = [];

  private constructor(clients: readonly Holdfast[], transport: CountingTransport, everyMs: number) {
    this.#clients = clients;
    this.#transport = transport;
    this.#everyMs = everyMs;
  }

  /** `everyMs`: between the calls of one client. */
  static async open(cluster: LocalCluster, options: { clients: number; everyMs: number }): Promise<Storm> {
    const transport = new CountingTransport();
    const clients = Array.from({ length: options.clients }, () => {
      // Each as a process of its own: one's links are not another's.
      const seams = { transport, clock: new SystemClock(), random: new SystemRandom() };
      return new Holdfast(cluster.urls, { seams });
    });
    for (let first = 0; first < clients.length; first += OPENED_AT_ONCE)
      await Promise.all(clients.slice(first, first + OPENED_AT_ONCE).map((db) => db.open()));
    return new Storm(clients, transport, options.everyMs);
  }

  /** Calls in a tenth of a second. */
  get offered(): number {
    return (this.#clients.length * INTERVAL_MS) / this.#everyMs;
  }

  /** Milliseconds since the load began. */
  get now(): number {
    return performance.now() - this.#startedAt;
  }

  /** Of the calls issued in that interval, those that succeeded soon. */
  promptOf(interval: Interval): number {
    return this.#prompt[this.intervals.indexOf(interval)] ?? 0;
  }

  begin(): void {
    this.#startedAt = performance.now();
    this.#before = { ...this.#counts, at: 0, issued: 0 };
    this.#timer = setInterval(() => this.#catchUp(), 2);
  }

  async goOnFor(ms: number): Promise<void> {
    const until = this.now + ms;
    await waitUntil(`${ms} ms of load`, () => this.now >= until, ms + 15_000);
  }

  /** Resolves when every call has ended. */
  async end(): Promise<void> {
    clearInterval(this.#timer);
    await waitUntil('the end of every call', () => this.#pending === 0);
  }

  async close(): Promise<void> {
    clearInterval(this.#timer);
    await Promise.all(this.#clients.map((db) => db.close()));
  }

  get #counts(): { operations: number; frames: number } {
    const operations = this.#clients.reduce((sum, db) => sum + (db.health()?.counters.attempts ?? 0), 0);
    return { operations, frames: this.#transport.frames };
  }

  #catchUp(): void {
    const { now } = this;
    const due = Math.floor((now * this.#clients.length) / this.#everyMs);
    while (this.#issued < due) void this.#call(this.#issued++);
    const before = this.#before;
    if (now < before.at + INTERVAL_MS) return;
    const { operations, frames } = this.#counts;
    this.#before = { at: now, operations, frames, issued: this.#issued };
    this.intervals.push({
      at: before.at,
      ms: now - before.at,
      operations: operations - before.operations,
      frames: frames - before.frames,
      issued: this.#issued - before.issued,
    });
  }

  async #call(number: number): Promise<void> {
    const db = this.#clients[number % this.#clients.length]!;
    const place = this.intervals.length;
    const issuedAt = this.now;
    this.#pending += 1;
    try {
      const key = `storm/${number}`;
      await (number % 2 === 0 ? db.put(key, `${number}`) : db.get(key));
      const tookMs = this.now - issuedAt;
      if (tookMs > PROMPT_MS) this.released.push(this.now);
      else this.#prompt[place] = (this.#prompt[place] ?? 0) + 1;
    } catch (error) {
      const { code } = error as { code?: string };
      this.failed.set(`${code}`, (this.failed.get(`${code}`) ?? 0) + 1);
    } finally {
      this.#pending -= 1;
    }
  }
}
