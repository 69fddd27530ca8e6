import type { RoleSpan } from './timeline.ts';

type State = Omit<RoleSpan, 'host' | 'from' | 'to'>;

const DOWN: State = { state: 'down', isFrozen: false, term: 0, admits: false };
const ROLES: ReadonlySet<string> = new Set([
  'forming',
  'standby',
  'candidate',
  'primary',
  'excluded',
  'repairing',
]);

/** What each node is, over time. */
export class RoleLanes {
  readonly #spans: RoleSpan[] = [];
  readonly #current = new Map<string, RoleSpan>();
  readonly #formed = new Set<string>();

  get nodes(): string[] {
    return [...this.#current.keys()].sort();
  }

  knows(node: string): boolean {
    return this.#current.has(node);
  }

  /** Understands what is said of the life of a node; false for anything else. */
  read(node: string, words: string, at: number): boolean {
    if (words.startsWith('begins run ')) this.#set(node, at, { ...DOWN, state: 'starting' });
    else if (words.startsWith('has read its disk'))
      this.#change(node, at, { state: this.#formed.has(node) ? 'standby' : 'forming' });
    else if (words === 'is down') this.#set(node, at, DOWN);
    else if (words === 'stands still') this.#change(node, at, { isFrozen: true });
    else if (words === 'goes on') this.#change(node, at, { isFrozen: false });
    else return false;
    return true;
  }

  role(node: string, role: string, term: number, at: number): void {
    if (ROLES.has(role)) this.#change(node, at, { state: role as State['state'], term, admits: false });
  }

  /** It belongs to a cluster from now on, and is a standby whenever it starts. */
  formed(node: string): void {
    this.#formed.add(node);
  }

  promoted(node: string, at: number): void {
    this.#change(node, at, { admits: true });
  }

  /** A term that it has written down. It tells of its role only when that changes. */
  term(node: string, term: number, at: number): void {
    const current = this.#current.get(node);
    if (current === undefined || term <= current.term) return;
    const state = current.state === 'forming' && current.term === 0 ? 'standby' : current.state;
    this.#change(node, at, { term, state });
  }

  /** All spans; those that last end here. */
  end(at: number): RoleSpan[] {
    for (const span of this.#current.values()) span.to = at;
    return this.#spans;
  }

  #change(node: string, at: number, changes: Partial<State>): void {
    const { state, isFrozen, term, admits } = this.#current.get(node) ?? { ...DOWN };
    if (state === 'down') return;
    this.#set(node, at, { state, isFrozen, term, admits, ...changes });
  }

  #set(node: string, at: number, state: State): void {
    const before = this.#current.get(node);
    if (before !== undefined) before.to = at;
    const span = { host: node, from: at, to: at, ...state };
    this.#current.set(node, span);
    this.#spans.push(span);
  }
}
