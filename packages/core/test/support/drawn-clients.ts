import {
  type Ack,
  assert,
  type Condition,
  changesNothing,
  type LogIndex,
  type Operation,
  type RangeClearing,
  type Revision,
  type SessionId,
} from '@holdfast/types';
import type { ClientReply, ProposedWrite, ServedRead } from '../../src/api.ts';
import { isConditional } from '../../src/state/evaluator.ts';
import { nameOf, textOf } from './cluster-history.ts';
import type { Acknowledged, DrawnPorts, ServingNode, Session } from './drawn-ports.ts';
import { ReadOracle } from './read-oracle.ts';

type Drawn = Pick<ProposedWrite, 'conditions' | 'operations' | 'otherwise' | 'clear'>;
type Receipt = Extract<ClientReply, { kind: 'receipt' }>['receipt'];

interface Call {
  readonly name: string;
  readonly session: Session;
  readonly request: ProposedWrite;
  readonly receipts: Receipt[];
  /** Attempts that may have been logged. */
  unsure: number;
  state: 'pending' | 'answered' | 'givenUp';
}

interface Attempt {
  readonly call: Call | undefined;
  readonly node: ServingNode;
  readonly boot: number;
  answers: number;
}

/** Log time from when a key is due to when it is deleted everywhere, while nothing goes wrong. */
const LATE_MS_MAX = 1000;

const RANK: Readonly<Record<Ack, number>> = { local: 0, quorum: 1, all: 2 };

/** Clients that write, read, repeat themselves, give up and come back, and hold every answer against what was promised. */
export class DrawnClients {
  readonly #ports: DrawnPorts;
  readonly #sessions: Session[] = [];
  readonly #calls: Call[] = [];
  readonly #attempts = new Map<number, Attempt>();
  readonly #intents = new Map<string, ProposedWrite>();
  readonly #acknowledged: Acknowledged[] = [];
  readonly #reads: ReadOracle;
  readonly counts = {
    acknowledged: 0,
    repeated: 0,
    conflicts: 0,
    givenUp: 0,
    refused: 0,
    sessionsClosed: 0,
    expired: 0,
    cleared: 0,
  };
  #nextId = 1;

  constructor(ports: DrawnPorts) {
    this.#ports = ports;
    this.#reads = new ReadOracle({ ...ports, acknowledged: this.#acknowledged });
  }

  get readCounts(): ReadOracle['counts'] {
    return this.#reads.counts;
  }

  act(): void {
    const drawn = this.#draw(20);
    if (this.#sessions.length === 0 || drawn === 0) this.#open();
    else if (drawn < 9) this.#write();
    else if (drawn < 13) this.#read();
    else if (drawn < 17) this.#repeat();
    else if (drawn < 19) this.#giveUp();
    else if (this.#draw(4) === 0) this.#close();
  }

  /** Something everybody sees: used to find out whether the cluster still works. */
  writeAtQuorum(): void {
    if (this.#sessions.length === 0) this.#open();
    else this.#send([this.#newCall(this.#pick(this.#sessions), 'quorum')], this.#ports.likelyPrimary());
  }

  onReply(node: ServingNode, reply: ClientReply): void {
    const attempt = this.#attempts.get(reply.id);
    assert(attempt !== undefined, `${node.id} answers #${reply.id}, which nobody asked`);
    attempt.answers++;
    assert(attempt.answers === 1, `${node.id} answers #${reply.id} twice`);
    if (reply.kind === 'sessionOpened') this.#opened(reply.session);
    const { call } = attempt;
    if (call === undefined) return;
    if (reply.kind === 'receipt') this.#onReceipt(node, call, reply.receipt);
    if (reply.kind !== 'error') return;
    this.counts.refused++;
    if (reply.error.outcome === 'not-applied') call.unsure--;
    if (reply.error.code === 'HOLDFAST_SESSION_EXPIRED') this.#forget(call.session);
  }

  onServed(node: ServingNode, served: ServedRead): void {
    this.#reads.served(node, served);
  }

  onRefused(node: ServingNode, id: number, error: { readonly code: string; readonly detail?: number }): void {
    this.#reads.refused(node, id, error);
  }

  /** After the faults: what was acknowledged against the log that won. */
  checkOutcome(stores: readonly ServingNode[]): void {
    const { history } = this.#ports;
    const outcome = history.outcome(this.#intents);
    const { data, writes } = outcome;
    const expected = JSON.stringify([...data].sort(([a], [b]) => (a < b ? -1 : 1)));
    for (const { id, store } of stores)
      assert(JSON.stringify(store.data()) === expected, `the store of ${id} is not what the log comes to`);
    this.counts.expired = outcome.expired;
    this.#checkNothingOverdue(stores);
    for (const call of this.#calls) {
      const committed = writes.get(call.name);
      assert(
        call.unsure > 0 || committed === undefined,
        `${call.name} was called not applied, every time, and is in the log`,
      );
      for (const receipt of call.receipts) this.#checkReceipt(call, receipt);
    }
    this.#reads.checkOutcome(outcome);
    this.#checkAnswered();
  }

  /** With a primary at work for so long nothing that is due is left, and every node has the same index. */
  #checkNothingOverdue(stores: readonly ServingNode[]): void {
    const [first] = stores;
    for (const { id, store } of stores) {
      const places = store.places();
      assert(`${places}` === `${first!.store.places()}`, `the index of ${id} is another: ${places}`);
      for (const place of places) {
        const key = place.slice(place.indexOf('/') + 1);
        const overdue = store.state().logTime - Number.parseInt(place, 10);
        assert(overdue < LATE_MS_MAX, `${key} is overdue by ${overdue} ms on ${id}`);
      }
    }
  }

  #checkReceipt(call: Call, receipt: Receipt): void {
    const { history } = this.#ports;
    const place = `${call.name} at ${nameOf(receipt)}`;
    if (history.isCommitted(receipt)) {
      assert(!history.isFiled(receipt), `${place} survived and is listed as diverged`);
      return;
    }
    assert(receipt.ack === 'local', `${place} was acknowledged at ${receipt.ack} and is lost`);
    const acknowledged = this.#acknowledged.find((one) => nameOf(one.position) === nameOf(receipt))!;
    assert(
      history.isFiled(receipt) || acknowledged.node.hasLost,
      `${place} was acknowledged at local, is lost, and nobody lists it`,
    );
  }

  /** P9: no request dies silently, as long as the process that took it lives. */
  #checkAnswered(): void {
    for (const [id, { node, boot, answers, call }] of this.#attempts) {
      if (!node.isUp || node.boot !== boot) continue;
      assert(answers === 1, `${node.id} never answered #${id} (${call?.name ?? 'session'})`);
    }
  }

  #onReceipt(node: ServingNode, call: Call, receipt: Receipt): void {
    const { ack, copies, index, result } = receipt;
    const place = `${call.name} at ${nameOf(receipt)}`;
    const asked = levelDue(call.request, result);
    this.counts.acknowledged++;
    if (receipt.repeated) this.counts.repeated++;
    if (result.kind === 'conflict') this.counts.conflicts++;
    if (result.kind === 'cleared' && result.behind !== undefined) this.counts.cleared++;
    assert(RANK[ack] >= RANK[asked], `${place}: asked ${asked}, acknowledged at ${ack}`);
    const nodes = this.#ports.nodes();
    const holders = nodes.filter((one) => one.holds(receipt)).length;
    const lost = nodes.filter((one) => one.hasLost).length;
    assert(copies <= holders + lost, `${place}: ${copies} copies told, ${holders} there`);
    if (ack === 'local')
      assert(node.holds(receipt), `${place} is acknowledged by ${node.id}, which does not hold it`);
    else
      assert((holders + lost) * 2 > nodes.length, `${place} is acknowledged at ${ack}, held by ${holders}`);
    if (ack === 'all') assert(holders + lost >= nodes.length, `${place} is acknowledged at all: ${holders}`);
    for (const before of call.receipts) {
      const same = JSON.stringify(before.result) === JSON.stringify(result) && before.index === index;
      assert(same || before.ack === 'local', `${place} was acknowledged before at ${nameOf(before)}`);
    }
    call.receipts.push(receipt);
    this.#settle(call, 'answered');
    const position = { index: index as LogIndex, term: receipt.term };
    const keys = new Map<string, Revision>();
    if (result.kind === 'written' || result.kind === 'counter') {
      const { operations } = call.request;
      for (const [at, { key }] of operations.entries())
        keys.set(textOf(key), (result.revision - operations.length + 1 + at) as Revision);
    }
    this.#acknowledged.push({ at: this.#ports.now(), level: ack, position, keys, node });
    const { session } = call;
    if (receipt.repeated) return;
    for (const [key, revision] of keys) {
      session.token = Math.max(session.token, revision) as Revision;
      session.seen.set(key, Math.max(session.seen.get(key) ?? 0, revision) as Revision);
    }
  }

  #open(): void {
    const node = this.#ports.likelyPrimary();
    const id = this.#attempt(node, undefined);
    this.#ports.openSession(node, id, 2000);
  }

  #opened(id: SessionId): void {
    const [next, floor, token] = [1, 0, 0 as Revision];
    this.#sessions.push({ id, next, floor, settled: new Set(), closing: false, token, seen: new Map() });
  }

  #close(): void {
    const session = this.#pick(this.#sessions);
    const node = this.#ports.likelyPrimary();
    this.counts.sessionsClosed++;
    session.closing = true;
    this.#ports.closeSession(node, this.#attempt(node, undefined), session.id);
  }

  #forget(session: Session): void {
    const at = this.#sessions.indexOf(session);
    if (at >= 0) this.#sessions.splice(at, 1);
  }

  #write(): void {
    const session = this.#pick(this.#sessions);
    const calls = [this.#newCall(session)];
    while (this.#draw(3) === 0) calls.push(this.#newCall(session));
    if (this.#draw(8) === 0) calls.push(this.#pick(calls));
    this.#send(calls, this.#anyNode());
  }

  /** The same call again, though it may have been answered, or given up by a client that this copy overtook. */
  #repeat(): void {
    if (this.#calls.length === 0) return;
    const recent = this.#calls.slice(-12);
    this.#send([this.#pick(this.#draw(4) === 0 ? this.#calls : recent)], this.#anyNode());
  }

  #giveUp(): void {
    const call = this.#calls.find(({ state }) => state === 'pending');
    if (call === undefined) return;
    this.counts.givenUp++;
    this.#settle(call, 'givenUp');
  }

  #settle(call: Call, state: 'answered' | 'givenUp'): void {
    const { session, request } = call;
    if (call.state === 'pending') call.state = state;
    session.settled.add(request.sequence);
    while (session.settled.has(session.floor + 1)) session.floor++;
  }

  #read(): void {
    const nodes = this.#ports.nodes().filter(({ isUp }) => isUp);
    if (nodes.length === 0) return;
    const id = this.#nextId++;
    this.#reads.ask(this.#pick(nodes), id, this.#pick(this.#sessions));
  }

  #send(calls: readonly Call[], node: ServingNode): void {
    const { session } = calls[0]!;
    if (!node.isUp) return;
    // Frames overtake each other: now and then one tells a floor of before.
    const floor = this.#draw(4) === 0 ? 0 : session.floor;
    const requests = calls
      .filter((call) => call.session === session)
      .map((call): ProposedWrite => {
        const id = this.#attempt(node, call);
        call.unsure++;
        const ms = this.#draw(10) === 0 ? 20 : 300 + this.#draw(3000);
        return { ...call.request, id, deadline: this.#ports.deadline(node, ms) };
      });
    this.#ports.propose(node, { session: session.id, floor, requests });
  }

  #attempt(node: ServingNode, call: Call | undefined): number {
    const id = this.#nextId++;
    this.#attempts.set(id, { call, node, boot: node.boot, answers: 0 });
    return id;
  }

  #newCall(
    session: Session,
    ack: Ack = this.#pick(['local', 'local', 'quorum', 'quorum', 'quorum', 'all']),
  ): Call {
    const sequence = session.next++;
    const name = `${session.id}/${sequence}`;
    const request: ProposedWrite = { id: 0, sequence, ack, deadline: 0, ...this.#drawWrite(session, name) };
    const call: Call = { name, session, request, receipts: [], unsure: 0, state: 'pending' };
    this.#calls.push(call);
    this.#intents.set(name, request);
    return call;
  }

  #drawWrite(session: Session, name: string): Drawn {
    const value = Buffer.from(name);
    const key = Buffer.from(`k${this.#draw(4)}`);
    switch (this.#draw(10)) {
      case 0:
      case 1:
        return {
          conditions: [],
          operations: [{ kind: 'increment', key: Buffer.from(`c${this.#draw(3)}`), by: 1 }],
        };
      case 2: {
        const revision = session.seen.get(textOf(key)) ?? (0 as Revision);
        const condition: Condition =
          revision === 0 ? { kind: 'absent', key } : { kind: 'revision', key, revision };
        return { conditions: [condition], operations: [{ kind: 'put', key, value }] };
      }
      case 3:
        return {
          conditions: [],
          operations: [Buffer.from('pa'), Buffer.from('pb')].map((pair) => ({
            kind: 'put',
            key: pair,
            value,
          })),
        };
      case 4: {
        const gone = Buffer.from(`d${this.#draw(2)}`);
        const how = this.#draw(5);
        if (how === 4) return { conditions: [], operations: [], clear: this.#drawClear(session) };
        return {
          conditions: [],
          operations: [how === 0 ? { kind: 'del', key: gone } : { kind: 'put', key: gone, value }],
        };
      }
      case 5:
      case 6:
        return { conditions: [], operations: [this.#drawTimed(value)] };
      case 7: {
        const timed = this.#drawTimed(value);
        const step: Operation =
          this.#draw(3) === 0
            ? { kind: 'expire', key: timed.key }
            : { kind: 'expire', key: timed.key, ttlMs: 1 + this.#draw(1500) };
        return { conditions: [], operations: [step], otherwise: [] };
      }
      default:
        return { conditions: [], operations: [{ kind: 'put', key, value }] };
    }
  }

  /** Of what the client has seen; and of keys that begin with `d` alone, as all that is ever deleted. */
  #drawClear({ token, seen }: Session): RangeClearing {
    const [gte, lt] = this.#pick([
      ['d', 'e'],
      ['de', 'df'],
      ['d1', 'de1'],
    ] as const);
    const reverse = this.#draw(2) === 0;
    const limit = this.#draw(3) === 0 ? 1 + this.#draw(2) : -1;
    const upTo = this.#draw(3) === 0 && seen.size > 0 ? this.#pick([...seen.values()]) : token;
    return { gte: Buffer.from(gte), lt: Buffer.from(lt), reverse, limit, upTo };
  }

  /** Few keys that expire, are renewed, counted, and written again for good. */
  #drawTimed(value: Uint8Array): Operation {
    const key = Buffer.from(`de${this.#draw(3)}`);
    const ttlMs = 1 + this.#draw(this.#draw(2) === 0 ? 100 : 1500);
    switch (this.#draw(6)) {
      case 0:
        return { kind: 'put', key, value };
      case 1:
        return { kind: 'increment', key, by: 1 };
      case 2:
        return { kind: 'put', key, value: Buffer.from('7'), ttlMs };
      default:
        return { kind: 'put', key, value, ttlMs };
    }
  }

  #anyNode(): ServingNode {
    return this.#draw(8) === 0 ? this.#pick(this.#ports.nodes()) : this.#ports.likelyPrimary();
  }

  #draw(below: number): number {
    return Math.floor(this.#ports.random.next() * below);
  }

  #pick<Item>(items: readonly Item[]): Item {
    return items[this.#draw(items.length)]!;
  }
}

/** Conditional writes are raised to quorum. A refusal changed nothing: it is told once it is committed (G8). */
function levelDue(request: ProposedWrite, result: Receipt['result']): Ack {
  return changesNothing(result) || (request.ack === 'local' && isConditional(request))
    ? 'quorum'
    : request.ack;
}
