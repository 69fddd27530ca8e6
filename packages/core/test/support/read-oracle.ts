import { assert, type Position, type ReadItem, type Revision } from '@holdfast/types';
import type { ProposedRead, ServedRead } from '../../src/api.ts';
import { nameOf, type Outcome, textOf } from './cluster-history.ts';
import type { Acknowledged, DrawnPorts, ServingNode, Session } from './drawn-ports.ts';
import type { MemoryStore } from './memory-store.ts';

interface Asked {
  readonly node: ServingNode;
  readonly boot: number;
  readonly read: ProposedRead;
  readonly session: Session;
  readonly token: Revision;
  /** Newest revision of each key that a linearizable read must see. */
  readonly floors: ReadonlyMap<string, Revision>;
  /** The session's own `local` writes of before, seen unless lost. */
  readonly own: readonly Acknowledged[];
  answers: number;
}

/** Holds every read against what had been acknowledged and read before it was asked. */
export class ReadOracle {
  readonly #ports: DrawnPorts & { readonly acknowledged: readonly Acknowledged[] };
  readonly #asked = new Map<number, Asked>();
  /** Of each key, the newest revision that any linearizable read has returned. */
  readonly #returned = new Map<string, Revision>();
  /** Checked when it is known which log won. */
  readonly #later: ((outcome: Outcome) => void)[] = [];
  readonly counts = { linearizable: 0, session: 0, overlay: 0, eventual: 0, aged: 0, told: 0, reads: 0 };

  constructor(ports: DrawnPorts & { readonly acknowledged: readonly Acknowledged[] }) {
    this.#ports = ports;
  }

  ask(node: ServingNode, id: number, session: Session): void {
    const consistency = this.#pick(['linearizable', 'linearizable', 'session', 'session', 'eventual']);
    const names = this.#pick([
      ['pa', 'pb'],
      ['c0'],
      ['c1'],
      ['c2'],
      ['k0'],
      ['k1'],
      ['k2', 'k3'],
      ['d0'],
      ['de0', 'de1'],
    ]);
    const keys = this.#draw(12) === 0 ? undefined : names.map((name) => Buffer.from(name));
    const bounded = consistency === 'eventual' && this.#draw(2) === 0;
    const read: ProposedRead = {
      id,
      consistency,
      deadline: this.#ports.deadline(node, 100 + this.#draw(1500)),
      keys,
      token: consistency === 'session' ? session.token : (0 as Revision),
      ...(bounded ? { maxStalenessMs: this.#draw(400) } : {}),
    };
    const floors = new Map(this.#returned);
    for (const { level, keys: written } of this.#ports.acknowledged) {
      if (level === 'local') continue;
      for (const [key, revision] of written)
        floors.set(key, Math.max(floors.get(key) ?? 0, revision) as Revision);
    }
    const own = this.#ports.acknowledged.filter(({ level }) => level === 'local');
    const { token } = session;
    this.#asked.set(id, { node, boot: node.boot, read, session, token, floors, own, answers: 0 });
    this.#ports.read(node, read);
  }

  served(node: ServingNode, served: ServedRead): void {
    const asked = this.#take(node, served.id);
    const { read } = asked;
    const keys = read.keys ?? ALL_KEYS.map((name) => Buffer.from(name));
    const items = itemsOf(keys, served, node.store);
    for (const item of items) this.#checkNamed(node, item);
    if (keys.length > 1 && textOf(keys[0]!) === 'pa')
      assert(
        textOf(items[0]?.value ?? NOTHING) === textOf(items[1]?.value ?? NOTHING),
        `${node.id} serves half of a batch in #${read.id}`,
      );
    if (served.overlay === undefined) this.#checkPrefix(node, read, items);
    this.counts[read.consistency]++;
    this.counts.reads++;
    const names = keys.map(textOf);
    if (read.consistency === 'linearizable') this.#checkLinearizable(asked, names, items);
    if (read.consistency === 'session') this.#checkSession(asked, names, items, served);
    if (read.consistency !== 'linearizable' && served.overlay === undefined && served.stalenessMs >= 0)
      this.#checkAge(asked, served);
  }

  refused(node: ServingNode, id: number, error: { readonly code: string; readonly detail?: number }): void {
    const { session, token } = this.#take(node, id);
    if (error.code !== 'HOLDFAST_SESSION_DIVERGED') return;
    this.counts.told++;
    const survivor = (error.detail ?? -1) as Revision;
    assert(survivor >= 0 && survivor < token, `#${id}: diverged at ${token}, goes on from ${survivor}`);
    session.token = Math.min(session.token, survivor) as Revision;
    session.seen.clear();
    const { history } = this.#ports;
    this.#later.push(() => {
      for (const revision of history.revisionsBetween(survivor, token))
        assert(
          !history.isCommitted(history.placeOf(revision)!),
          `#${id}: told that all after ${survivor} is lost up to ${token}; ${revision} is not`,
        );
    });
  }

  checkOutcome(outcome: Outcome): void {
    for (const check of this.#later) check(outcome);
    for (const [id, { node, boot, answers }] of this.#asked)
      assert(!node.isUp || node.boot !== boot || answers === 1, `${node.id} never answered read #${id}`);
  }

  #take(node: ServingNode, id: number): Asked {
    const asked = this.#asked.get(id);
    assert(asked !== undefined, `${node.id} answers read #${id}, which nobody asked`);
    asked.answers++;
    assert(asked.answers === 1, `${node.id} answers read #${id} twice`);
    return asked;
  }

  /** G13: a revision comes with the value that it was given to. */
  #checkNamed(node: ServingNode, item: ReadItem | undefined): void {
    if (item === undefined) return;
    const value = this.#ports.history.valueOf(item.revision);
    assert(value === textOf(item.value), `${node.id} serves ${textOf(item.value)} as ${item.revision}`);
  }

  /** What is read is what the log comes to at one index, never a store that misses batches (G7, fault 53). */
  #checkPrefix(node: ServingNode, read: ProposedRead, items: readonly (ReadItem | undefined)[]): void {
    const { index } = node.store.applied;
    const names = read.keys?.map(textOf) ?? ALL_KEYS;
    const revisions = items.map((item) => item?.revision ?? 0);
    this.#later.push(({ versions }) => {
      for (const [at, name] of names.entries()) {
        const due = versions.get(name)?.findLast((version) => version.index <= index)?.revision ?? 0;
        const text = `${node.id} serves ${name}@${revisions[at]} in #${read.id} at ${index}; it was @${due} then`;
        assert(revisions[at] === due, text);
      }
    });
  }

  /** G9. */
  #checkLinearizable(asked: Asked, names: readonly string[], items: readonly (ReadItem | undefined)[]): void {
    const { node, read, floors, own } = asked;
    const { history } = this.#ports;
    const state = node.store.state().revision;
    const { index } = node.store.applied;
    for (const [at, name] of names.entries()) {
      const floor = floors.get(name) ?? 0;
      const revision = items[at]?.revision;
      assert(
        revision === undefined ? floor <= state : revision >= floor || name.startsWith('d'),
        `${node.id} serves ${name}@${revision} in linearizable #${read.id}; ${floor} was seen before it`,
      );
      if (revision === undefined) continue;
      this.#returned.set(name, Math.max(this.#returned.get(name) ?? 0, revision) as Revision);
      const place = history.placeOf(revision)!;
      this.#later.push(() =>
        assert(history.isCommitted(place), `linearizable #${read.id} returned ${name}@${revision}: lost`),
      );
    }
    this.#later.push(() => {
      for (const { position, keys } of own)
        assert(
          !history.isCommitted(position) || position.index <= index || !names.some((key) => keys.has(key)),
          `linearizable #${read.id} at ${index} misses ${nameOf(position)}, acknowledged before it`,
        );
    });
  }

  /** G10. */
  #checkSession(
    asked: Asked,
    names: readonly string[],
    items: readonly (ReadItem | undefined)[],
    served: ServedRead,
  ): void {
    const { node, read, session, token } = asked;
    const told = Math.max(served.revision, node.store.state().revision) as Revision;
    assert(told >= token, `${node.id} serves session #${read.id} at ${told}, below its token ${token}`);
    if (served.overlay !== undefined) this.counts.overlay++;
    const place = this.#ports.history.placeOf(token);
    if (place !== undefined)
      assert(this.#contains(node, place, served), `${node.id} serves #${read.id} without ${nameOf(place)}`);
    // An answer given before SESSION_DIVERGED was heard binds nobody any more.
    if (session.token < token) return;
    for (const [at, name] of names.entries()) {
      const seen = session.seen.get(name) ?? 0;
      const revision = items[at]?.revision ?? 0;
      // Another read of the session may have been answered meanwhile: only what this one's token covers binds it.
      if (seen > token) continue;
      const text = `${node.id} serves ${name}@${revision} in session #${read.id}, which has seen ${seen}`;
      const lost = this.#ports.history.placeOf(seen as Revision);
      if (revision < seen && !name.startsWith('d'))
        this.#later.push(() => assert(!this.#ports.history.isCommitted(lost!), text));
      if (revision > 0) session.seen.set(name, revision as Revision);
    }
    session.token = Math.max(session.token, told) as Revision;
  }

  #contains(node: ServingNode, place: Position, served: ServedRead): boolean {
    if (served.overlay !== undefined && node.holds(place)) return true;
    return node.store.applied.index >= place.index && this.#ports.history.isCommitted(place);
  }

  /** G11: everything acknowledged before that long ago is in the state that was read. */
  #checkAge({ node, read }: Asked, served: ServedRead): void {
    const cutoff = this.#ports.now() - served.stalenessMs;
    const { index } = node.store.applied;
    const { history } = this.#ports;
    this.counts.aged++;
    for (const { at, position, level } of this.#ports.acknowledged) {
      if (at >= cutoff || position.index <= index) continue;
      const text = `${node.id} serves #${read.id} at ${index} as ${served.stalenessMs} ms old, without ${nameOf(position)}`;
      assert(level === 'local', text);
      this.#later.push(() => assert(!history.isCommitted(position), text));
    }
  }

  #draw(below: number): number {
    return Math.floor(this.#ports.random.next() * below);
  }

  #pick<const Item>(items: readonly Item[]): Item {
    return items[this.#draw(items.length)]!;
  }
}

const NOTHING = new Uint8Array();
const ALL_KEYS = ['pa', 'pb', 'c0', 'c1', 'c2', 'k0', 'k1', 'k2', 'k3'];

/** What a client gets for each key: the overlay of the answer over the store. */
function itemsOf(
  keys: readonly Uint8Array[],
  served: ServedRead,
  store: MemoryStore,
): (ReadItem | undefined)[] {
  return keys.map((key, place) => {
    const newer = served.overlay?.[place];
    return newer === undefined ? store.get(key) : (newer ?? undefined);
  });
}
