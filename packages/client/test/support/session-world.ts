import {
  type Ack,
  type ClientMessage,
  ERROR_CODES,
  type ErrorCode,
  type HoldfastError,
  type LogIndex,
  type NodeId,
  type Revision,
  type ServerMessage,
  type SessionId,
  type Term,
  type Topology,
  type WireError,
  type WriteReceipt,
  type WriteRequest,
} from '@holdfast/types';
import { type LinkId, WriteCall } from '../../src/session/call.ts';
import { type ClientLimits, clientLimits } from '../../src/session/client-limits.ts';
import { ClientSession } from '../../src/session/client-session.ts';

const LIMITS: ClientLimits = { ...clientLimits({ lanes: { writes: { callsMax: 12 } } }), sessionWindow: 4 };
/** Every outage is long, so that new writes go before those that waited through one. */
const LONG_OUTAGES: ClientLimits = {
  ...LIMITS,
  resilience: {
    ...LIMITS.resilience,
    release: { ...LIMITS.resilience.release, shortOutageMsMax: 0, marginMs: 1 },
  },
};

const NODES = ['n1', 'n2', 'n3'] as NodeId[];

export interface Issued {
  readonly call: WriteCall;
  readonly name: string;
  settlements: number;
  receipt: WriteReceipt | undefined;
  error: HoldfastError | undefined;
}

/** A write in the log of the primary: its reply waits for the commit, unless it asks for `local`. */
interface Logged {
  readonly session: SessionId;
  readonly sequence: number;
  readonly name: string;
  readonly revision: Revision;
  /** Who waits for the answer: repeats join the first attempt. */
  readonly waiters: { link: LinkId; id: number }[];
}

interface WorldLink {
  readonly id: LinkId;
  readonly node: NodeId;
  /** Frames under way to the node, and messages under way to the client, first-in first-out. */
  readonly up: (readonly ClientMessage[])[];
  readonly down: ServerMessage[];
}

/**
 * The cluster around one `ClientSession`, reduced to what decides a write's fate: one log whose tail a change of
 * term may lose, a session table, and links that lose what is under way when they break.
 */
export class SessionWorld {
  now = 1;
  readonly session: ClientSession;
  readonly issued: Issued[] = [];
  readonly problems: string[] = [];
  /** Names of writes in the order in which they were committed. */
  readonly committed: string[] = [];
  /** The revision that each of them has. */
  readonly revisions = new Map<string, Revision>();
  #lastRevision = 0;
  #term = 1;
  #primary: NodeId = NODES[0] as NodeId;
  readonly #links = new Map<LinkId, WorldLink>();
  #lastLink = 0;
  #tail: Logged[] = [];
  readonly #sessions = new Map<SessionId, { floor: number; results: Map<number, WriteReceipt> }>();
  #lastSession = 0;
  #refusals = 0;

  /** `longOutages`: new writes go before those that waited, except for those to the same key. `isLazy`: no node is met yet. */
  constructor(
    random: () => number,
    {
      longOutages = false,
      isLazy = false,
    }: { readonly longOutages?: boolean; readonly isLazy?: boolean } = {},
  ) {
    const limits = longOutages ? LONG_OUTAGES : LIMITS;
    this.session = new ClientSession({ limits, random, now: this.now });
    if (!isLazy) for (const node of NODES) this.connect(node);
  }

  /** A write of a value of its own, to one of two keys. */
  issue(timeoutMs: number, ack: Ack = 'quorum'): void {
    const name = `w${this.issued.length}`;
    const key = Buffer.from(`k${this.issued.length % 2}`);
    const value = Buffer.from(name);
    const call = new WriteCall({
      deadline: this.now + timeoutMs,
      bytes: key.length + value.length,
      ack,
      conditions: [],
      operations: [{ kind: 'put', key, value }],
    });
    const issued: Issued = { call, name, settlements: 0, receipt: undefined, error: undefined };
    call.resolve = (receipt) => {
      issued.settlements += 1;
      issued.receipt = receipt;
    };
    call.reject = (error) => {
      issued.settlements += 1;
      issued.error = error;
    };
    this.issued.push(issued);
    this.session.submit(call);
    this.#perform();
  }

  abort(which: number): void {
    const issued = this.issued[which % Math.max(1, this.issued.length)];
    if (issued !== undefined) this.session.abort(issued.call, undefined);
    this.#perform();
  }

  flush(): void {
    this.session.flush(this.now);
    this.#perform();
  }

  pass(ms: number): void {
    this.now += ms;
    this.session.tick(this.now);
    this.flush();
  }

  /** The oldest frame on a link reaches its node. */
  deliverUp(which: number): void {
    const link = this.#pick(which, ({ up }) => up.length > 0);
    const frame = link?.up.shift();
    if (link !== undefined && frame !== undefined)
      for (const message of frame) this.#onMessage(link, message);
  }

  deliverDown(which: number): void {
    const link = this.#pick(which, ({ down }) => down.length > 0);
    const message = link?.down.shift();
    if (link === undefined || message === undefined) return;
    this.session.receive(link.id, message, this.now);
    this.#perform();
  }

  /** An answer arrives twice. */
  duplicateDown(which: number): void {
    const link = this.#pick(which, ({ down }) => down.length > 0);
    const message = link?.down[0];
    if (link !== undefined && message !== undefined) link.down.push(message);
  }

  /** The oldest logged writes are committed and answered. */
  commit(count: number): void {
    for (const logged of this.#tail.splice(0, count)) {
      this.committed.push(logged.name);
      this.revisions.set(logged.name, logged.revision);
      const receipt = this.#receiptOf(logged, 'quorum');
      this.#sessions.get(logged.session)?.results.set(logged.sequence, receipt);
      for (const { link, id } of logged.waiters) this.#reply(link, { id, receipt });
    }
  }

  /**
   * A new primary. Of the old one's uncommitted tail the first `kept` writes survive; all of it if the new one is
   * the old one. The old one answers before it steps down, or dies. `fresh`: the new one's links with anything
   * under way break.
   */
  changeTerm(options: {
    to: number;
    kept: number;
    dies: boolean;
    announcedBy: number;
    fresh: boolean;
  }): void {
    const before = this.#primary;
    this.#term += 1;
    this.#primary = NODES[options.to % NODES.length] as NodeId;
    for (const { waiters } of this.#tail) {
      for (const { link, id } of waiters) this.#reply(link, { id, error: wire('HOLDFAST_OUTCOME_UNKNOWN') });
      waiters.length = 0;
    }
    if (before !== this.#primary) {
      this.#tail = this.#tail.slice(0, options.kept);
      if (options.dies) this.#cutLinksTo(before);
    }
    if (options.fresh) this.#cutLinksTo(this.#primary);
    // Its opening entry commits what it holds of older terms.
    this.commit(this.#tail.length);
    for (const link of this.#links.values()) {
      if (NODES.indexOf(link.node) <= options.announcedBy % NODES.length || link.node === this.#primary) {
        link.down.push({ kind: 'topology', topology: this.#topology });
      }
    }
  }

  /** A link breaks with everything under way on it. */
  cut(which: number): void {
    const link = this.#pick(which, () => true);
    if (link !== undefined) this.#cut(link);
  }

  #cutLinksTo(node: NodeId): void {
    for (const link of [...this.#links.values()]) {
      if (link.node === node && link.up.length + link.down.length > 0) this.#cut(link);
    }
  }

  #cut(link: WorldLink): void {
    this.#links.delete(link.id);
    for (const { waiters } of this.#tail) {
      for (const [position, waiter] of [...waiters.entries()].reverse())
        if (waiter.link === link.id) waiters.splice(position, 1);
    }
    this.session.linkDown(link.id, this.now);
    this.#perform();
  }

  connect(node: NodeId = NODES[this.#lastLink % NODES.length] as NodeId): void {
    if ([...this.#links.values()].some((link) => link.node === node)) return;
    this.#lastLink += 1;
    const link: WorldLink = { id: this.#lastLink, node, up: [], down: [] };
    this.#links.set(link.id, link);
    const welcome = {
      node,
      topology: this.#topology,
      roundTripMs: link.id % 5,
      defaultAck: 'quorum' as const,
    };
    this.session.linkUp(link.id, welcome, this.now);
    this.#perform();
  }

  /** The primary takes none of the next so many frames of writes. */
  overload(frames: number): void {
    this.#refusals += frames;
  }

  expireSessions(): void {
    // Not one with writes that are not applied yet.
    if (this.#tail.length === 0) this.#sessions.clear();
  }

  /** Everything works again, until nothing is under way and every deadline has passed. */
  settle(): void {
    for (const node of NODES) this.connect(node);
    for (let round = 0; round < 9000 && this.issued.some(({ call }) => !call.settled); round += 1) {
      this.flush();
      while (this.#pick(0, ({ up }) => up.length > 0) !== undefined) this.deliverUp(0);
      this.commit(this.#tail.length);
      while (this.#pick(0, ({ down }) => down.length > 0) !== undefined) this.deliverDown(0);
      this.pass(7);
    }
    // What is still under way is carried out, whether or not anybody waits for it.
    while (this.#pick(0, ({ up }) => up.length > 0) !== undefined) this.deliverUp(0);
    this.commit(this.#tail.length);
    while (this.#pick(0, ({ down }) => down.length > 0) !== undefined) this.deliverDown(0);
  }

  get #topology(): Topology {
    const nodes = NODES.map((id) => ({ id, url: `ws://${id}:1` }));
    return { term: this.#term as Term, primary: this.#primary, nodes };
  }

  #pick(which: number, where: (link: WorldLink) => boolean): WorldLink | undefined {
    const links = [...this.#links.values()].filter(where);
    return links[which % Math.max(1, links.length)];
  }

  #reply(
    link: LinkId,
    reply: { id: number; receipt: WriteReceipt } | { id: number; error: WireError },
  ): void {
    this.#links.get(link)?.down.push({ kind: 'writeReplies', replies: [reply] });
  }

  #onMessage(link: WorldLink, message: ClientMessage): void {
    if (message.kind === 'openSession') {
      if (link.node !== this.#primary) {
        link.down.push({ kind: 'failed', id: message.id, error: wire('HOLDFAST_NOT_PRIMARY') });
        return;
      }
      this.#lastSession += 1;
      const session = `${this.#term}.${this.#lastSession}.0` as SessionId;
      this.#sessions.set(session, { floor: 0, results: new Map() });
      link.down.push({ kind: 'sessionOpened', id: message.id, session });
    } else if (message.kind === 'write' && this.#refusals > 0) {
      this.#refusals -= 1;
      for (const { id } of message.requests) this.#reply(link.id, { id, error: wire('HOLDFAST_OVERLOADED') });
    } else if (message.kind === 'write') {
      for (const request of message.requests) this.#onWrite(link, message.session, message.floor, request);
    }
  }

  #onWrite(link: WorldLink, session: SessionId, floor: number, request: WriteRequest): void {
    const { id, sequence } = request;
    if (link.node !== this.#primary) {
      this.#reply(link.id, { id, error: wire('HOLDFAST_NOT_PRIMARY') });
      return;
    }
    const state = this.#sessions.get(session);
    if (state === undefined) {
      this.#reply(link.id, { id, error: wire('HOLDFAST_SESSION_EXPIRED') });
      return;
    }
    state.floor = Math.max(state.floor, floor);
    const name = nameOf(request);
    if (sequence <= state.floor) {
      this.#checkClosed(name, sequence);
      this.#reply(link.id, { id, error: wire('HOLDFAST_SEQUENCE_CLOSED') });
      return;
    }
    if (sequence > state.floor + LIMITS.sessionWindow)
      this.problems.push(`${name} is beyond the window: ${sequence}`);
    const result = state.results.get(sequence);
    const pending = this.#tail.find((logged) => logged.session === session && logged.sequence === sequence);
    if (result !== undefined) this.#reply(link.id, { id, receipt: { ...result, repeated: true } });
    else {
      const logged = pending ?? this.#log({ session, sequence, name });
      if (request.ack === 'local') this.#reply(link.id, { id, receipt: this.#receiptOf(logged, 'local') });
      else logged.waiters.push({ link: link.id, id });
    }
  }

  #log(write: Pick<Logged, 'session' | 'sequence' | 'name'>): Logged {
    this.#lastRevision += 1;
    const logged: Logged = { ...write, revision: this.#lastRevision as Revision, waiters: [] };
    this.#tail.push(logged);
    return logged;
  }

  #receiptOf({ revision }: Logged, ack: Ack): WriteReceipt {
    return {
      result: { kind: 'written', revision },
      term: this.#term as Term,
      index: (this.committed.length + 1) as LogIndex,
      ack,
      copies: ack === 'local' ? 1 : 2,
      repeated: false,
    };
  }

  /** The floor tells the cluster that a sequence is over: then it had better be. */
  #checkClosed(name: string, sequence: number): void {
    const issued = this.issued.find((candidate) => candidate.name === name);
    if (issued?.call.settled !== true)
      this.problems.push(`the floor passed ${name}, sequence ${sequence}, which is not settled`);
  }

  #perform(): void {
    for (const effect of this.session.takeEffects()) {
      if (effect.kind === 'settled') effect.call.complete();
      else if (effect.kind === 'send') this.#links.get(effect.link)?.up.push(snapshot(effect.messages));
      else if (effect.kind === 'violation') this.problems.push(`violation: ${effect.reason}`);
    }
    if (this.session.pending.calls > LIMITS.lanes.writes.callsMax)
      this.problems.push('more calls pending than allowed');
  }
}

/** Requests are live objects: what was sent is what they held then. */
function snapshot(messages: readonly ClientMessage[]): ClientMessage[] {
  return messages.map((message) =>
    message.kind === 'write'
      ? {
          ...message,
          requests: message.requests.map(({ id, sequence, ack, remainingMs, conditions, operations }) => ({
            id,
            sequence,
            ack,
            remainingMs,
            conditions,
            operations,
          })),
        }
      : message,
  );
}

function nameOf({ operations: [put] }: WriteRequest): string {
  return put?.kind === 'put' ? Buffer.from(put.value).toString() : '';
}

function wire(code: ErrorCode): WireError {
  return { code, message: code, ...ERROR_CODES[code] };
}
