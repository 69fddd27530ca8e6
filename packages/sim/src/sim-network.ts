import type {
  Clock,
  Connection,
  ConnectOptions,
  Listener,
  ListenOptions,
  UpgradeDecision,
} from '@holdfast/types';
import type { NetworkObserver } from './network/network-observer.ts';
import { type RepeatOptions, Repeats } from './network/repeats.ts';
import { SimConnection } from './network/sim-connection.ts';
import { type Halt, SimLink, SimWire } from './network/sim-wire.ts';
import type { UnsentBytes } from './network/unsent-bytes.ts';
import { SimTransport } from './sim-transport.ts';

const FIRST_FREE_PORT = 40_000;
const LOOPBACK: ReadonlySet<string> = new Set(['127.0.0.1', 'localhost', '[::1]']);
const URL_PATTERN = /^wss?:\/\/([^/:]+|\[[^\]]+\])(?::(\d+))?(\/[^?#]*)?/;

export interface SimNetworkOptions {
  readonly clock: Clock;
  readonly observer?: NetworkObserver;
  /**
   * Milliseconds one way between two hosts unless `setLatency` says otherwise; 1 by default. A function is asked once
   * for each way between two hosts, and what it gives draws the latency of each message.
   */
  readonly latencyMs?: number | ((from: string, to: string) => () => number);
}

/**
 * Hosts and what lies between them. A message takes its latency on the clock; a cut link holds back what is
 * sent over it and closes nothing, as in life; a host that is killed has its connections closed for it.
 */
export class SimNetwork {
  readonly #clock: Clock;
  readonly #latencyMs: NonNullable<SimNetworkOptions['latencyMs']>;
  readonly #links: Map<string, SimLink> = new Map();
  /** By `host:port`. */
  readonly #listeners: Map<string, ListenOptions> = new Map();
  /** Hosts that answer no handshake now, and who wants to connect to them. */
  readonly #held: Map<string, (() => void)[]> = new Map();
  /** Hosts without power, and the ends of others that do not know of it yet. */
  readonly #vanished: Map<string, Set<SimConnection>> = new Map();
  readonly #observer: NetworkObserver | undefined;
  /** Ends that are not over; a connection has one at each side. */
  readonly #ends: Set<SimConnection> = new Set();
  readonly #repeats: Repeats;
  /** Of slow links: whose end is another's by now is told by it. */
  readonly #paces: Map<SimLink, object> = new Map();
  #nextPort = FIRST_FREE_PORT;

  constructor(options: SimNetworkOptions) {
    this.#clock = options.clock;
    this.#latencyMs = options.latencyMs ?? 1;
    this.#observer = options.observer;
    this.#repeats = new Repeats({
      clock: options.clock,
      ends: this.#ends,
      onRepeated: (message) => options.observer?.onRepeated(message),
    });
  }

  /** The network as `host` sees it. A URL names a host, or this one by a loopback address. */
  transport(host: string): SimTransport {
    return new SimTransport(this, host);
  }

  /** Milliseconds from one host to another, that way only. */
  setLatency(from: string, to: string, latencyMs: number | (() => number)): void {
    this.#link(from, to).latencyMs = latencyMs;
  }

  /** Some of what one node says to another arrives twice, the second time late; until `stopRepeats`. */
  repeat(options: RepeatOptions): void {
    this.#repeats.begin(options);
  }

  /** What of it was held back arrives now. */
  releaseRepeats(from: string, to: string): void {
    this.#repeats.release({ from, to });
  }

  stopRepeats(from: string, to: string): void {
    this.#repeats.end({ from, to });
  }

  /** Nothing passes between the two, either way, and neither is told. */
  cut(one: string, other: string): void {
    this.cutOneWay(one, other);
    this.cutOneWay(other, one);
  }

  /** What `from` sends does not reach `to`; what `to` sends does arrive. */
  cutOneWay(from: string, to: string): void {
    this.#link(from, to).setCut(true);
  }

  heal(one: string, other: string): void {
    this.#link(one, other).setCut(false);
    this.#link(other, one).setCut(false);
  }

  healAll(): void {
    for (const link of this.#links.values()) link.setCut(false);
  }

  /** What is under way and what is sent over it for so long waits, as if TCP had to send it again: that way only. */
  stall(from: string, to: string, forMs: number): void {
    this.#link(from, to).stall(forMs);
  }

  /**
   * From now on so many bytes a second leave, that way only: long messages take long, and what is sent meanwhile waits, over
   * whichever connection. Answers how to end it, which does nothing once the link has another pace.
   */
  slow(from: string, to: string, bytesPerSecond: number): () => void {
    const link = this.#link(from, to);
    const pace = { bytesPerMs: bytesPerSecond / 1000 };
    this.#paces.set(link, pace);
    link.bytesPerMs = pace.bytesPerMs;
    return () => {
      if (this.#paces.get(link) !== pace) return;
      this.#paces.delete(link);
      link.bytesPerMs = undefined;
    };
  }

  /** What sets out takes so many milliseconds longer, that way only. Answers how to end it, as `slow` does. */
  delay(from: string, to: string, lateMs: () => number): () => void {
    const link = this.#link(from, to);
    link.lateMs = lateMs;
    return () => {
      if (link.lateMs === lateMs) link.lateMs = undefined;
    };
  }

  /**
   * The next message of `bytesMin` or more comes in by a share of its bytes, and nothing after it over that connection, until
   * it is dropped. Answers how to call that off, which does nothing once it has happened.
   */
  halt(from: string, to: string, options: Omit<Halt, 'isOff'>): () => void {
    const link = this.#link(from, to);
    const { bytesMin, share } = options;
    const halt: Halt = { bytesMin, share, isOff: false, onHalted: () => options.onHalted() };
    link.halt = halt;
    return () => {
      halt.isOff = true;
      if (link.halt === halt) link.halt = undefined;
    };
  }

  /** The process on `host` is stopped: who connects to it waits for its answer until `release`. */
  hold(host: string): void {
    if (!this.#held.has(host)) this.#held.set(host, []);
  }

  release(host: string): void {
    const waiting = this.#held.get(host) ?? [];
    this.#held.delete(host);
    for (const handshake of waiting) this.#clock.setTimer(0, handshake);
  }

  /** Drops every connection between the two, with what is under way: both ends are closed with 1006. */
  drop(one: string, other: string): void {
    for (const end of [...this.#ends]) {
      const { from, to } = end.wire.link;
      if (!((from === one && to === other) || (from === other && to === one))) continue;
      end.wire.clear();
      this.#clock.setTimer(0, () => end.onCut());
    }
  }

  /**
   * The process on `host` dies: nothing of it is called any more, it listens no longer, and the other ends
   * of its connections are closed when the news arrives. `cut` it off first for a host that just vanishes.
   */
  kill(host: string): void {
    this.#stopListening(host);
    for (const end of [...this.#ends]) if (end.wire.link.from === host) end.die();
  }

  /**
   * The machine `host` loses power: what it had sent and has not arrived is lost, nobody is told, and who connects
   * to it hears nothing, until something listens there again; then connections of before are found to be dead.
   */
  vanish(host: string): void {
    this.#stopListening(host);
    const stale = this.#vanished.get(host) ?? new Set();
    this.#vanished.set(host, stale);
    for (const end of [...this.#ends]) {
      if (end.wire.link.from === host) end.vanish();
      else if (end.wire.link.to === host) stale.add(end);
    }
  }

  /** Of the open connections of a host, those over which something waits. */
  *unsentOf(host: string): Iterable<UnsentBytes> {
    for (const { wire, isOpen, subprotocol, bufferedBytes: bytes } of this.#ends)
      if (wire.link.from === host && isOpen && bytes > 0) yield { to: wire.link.to, subprotocol, bytes };
  }

  /** See `SimTransport.listen`. */
  listen(host: string, options: ListenOptions): Promise<Listener> {
    const stale = this.#vanished.get(host);
    this.#vanished.delete(host);
    for (const end of stale ?? []) this.#clock.setTimer(0, () => end.onCut());
    const port = options.port === 0 ? this.#nextPort++ : options.port;
    const address = `${host}:${port}`;
    if (this.#listeners.has(address)) {
      const error = new Error(`listen EADDRINUSE: address already in use ${address}`);
      return Promise.reject(Object.assign(error, { code: 'EADDRINUSE' }));
    }
    this.#listeners.set(address, options);
    const close = (): Promise<void> => {
      if (this.#listeners.get(address) === options) this.#listeners.delete(address);
      for (const end of [...this.#ends]) if (end.listener === options) end.terminate();
      return Promise.resolve();
    };
    return Promise.resolve({ port, close });
  }

  /** See `SimTransport.connect`. */
  connect(host: string, options: ConnectOptions): Connection {
    const target = targetOf(options.url, host);
    const there = new SimWire(this.#clock, this.#link(host, target?.host ?? host));
    const back = new SimWire(this.#clock, this.#link(target?.host ?? host, host));
    const end = new SimConnection({
      clock: this.#clock,
      wire: there,
      remoteAddress: target?.address ?? options.url,
      maxMessageBytes: options.maxMessageBytes,
      onEnd: () => this.#ends.delete(end),
      observer: this.#observer,
      onArrived: (message) => this.#repeats.onArrived(message),
      handlers: options.handlers,
    });
    this.#ends.add(end);
    if (target === undefined) {
      this.#clock.setTimer(0, () => end.onRefused(`not a ws:// or wss:// address: ${options.url}`));
      return end;
    }
    const remoteAddress = `${host}:${this.#nextPort++}`;
    there.send(0, () => this.#onHandshake(end, { target, options, back, remoteAddress }));
    const late = `no handshake within ${options.handshakeTimeoutMs} ms`;
    this.#clock.setTimer(options.handshakeTimeoutMs, () => end.onRefused(late));
    return end;
  }

  #onHandshake(
    client: SimConnection,
    call: { target: Target; options: ConnectOptions; back: SimWire; remoteAddress: string },
  ): void {
    const { target, options, back, remoteAddress } = call;
    const held = this.#held.get(target.host);
    if (held !== undefined) {
      held.push(() => this.#onHandshake(client, call));
      return;
    }
    if (this.#vanished.has(target.host)) return;
    const listener = this.#listeners.get(target.address);
    if (listener === undefined) {
      back.send(0, () => client.onRefused(`connect ECONNREFUSED ${target.address}`));
      return;
    }
    const decision = decide(listener, { target, subprotocol: options.subprotocol, remoteAddress });
    if ('refuse' in decision) {
      back.send(0, () => client.onRefused(`HTTP ${decision.refuse}: ${decision.message}`));
      return;
    }
    const end = new SimConnection({
      clock: this.#clock,
      wire: back,
      remoteAddress,
      maxMessageBytes: decision.maxMessageBytes,
      onEnd: () => this.#ends.delete(end),
      observer: this.#observer,
      listener,
    });
    this.#ends.add(end);
    end.open(client, decision.accept);
    back.send(0, () => client.onAccepted(end, decision.accept));
    listener.onConnection(end);
  }

  #stopListening(host: string): void {
    this.release(host);
    for (const address of [...this.#listeners.keys()])
      if (address.startsWith(`${host}:`)) this.#listeners.delete(address);
  }

  #link(from: string, to: string): SimLink {
    const name = `${from} ${to}`;
    const known = this.#links.get(name);
    if (known !== undefined) return known;
    const latency = this.#latencyMs;
    const latencyMs = typeof latency === 'number' ? latency : latency(from, to);
    const link = new SimLink({ clock: this.#clock, from, to, latencyMs });
    this.#links.set(name, link);
    return link;
  }
}

interface Target {
  readonly host: string;
  readonly address: string;
  readonly path: string;
}

function targetOf(url: string, ownHost: string): Target | undefined {
  const match = URL_PATTERN.exec(url);
  if (match === null) return undefined;
  const [, named = '', port = '80', path = '/'] = match;
  const host = LOOPBACK.has(named) ? ownHost : named;
  return { host, address: `${host}:${port}`, path };
}

function decide(
  listener: ListenOptions,
  request: { target: Target; subprotocol: string; remoteAddress: string },
): UpgradeDecision {
  const { target, subprotocol, remoteAddress } = request;
  const decision = listener.decide({
    path: target.path,
    subprotocols: [subprotocol],
    host: target.address,
    remoteAddress,
  });
  if ('refuse' in decision || decision.accept === subprotocol) return decision;
  return { refuse: 400, message: `this path speaks ${decision.accept}` };
}
