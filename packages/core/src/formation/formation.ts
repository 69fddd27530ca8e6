import {
  assert,
  type ClusterId,
  type DatabaseUid,
  type DiskId,
  type Exclusion,
  type Genesis,
  type NodeId,
  REVISION_GAP,
} from '@holdfast/types';
import type { Context } from '../kernel/context.ts';

/**
 * How a cluster comes to be, once. Empty nodes wait until all listed ones have met and agree on the list and on
 * each other's disks; then the lowest id persists the genesis and only then sends it. An empty node adopts a
 * genesis that names its own disk; one that holds a genesis never makes or adopts another.
 */
export class Formation {
  readonly #context: Context;
  /** Voters, sorted: the order of `disks` in `met`. */
  readonly #voters: readonly NodeId[];
  readonly #met = new Map<NodeId, string>();
  readonly #onFormed: () => void;
  #making = false;

  constructor(context: Context, onFormed: () => void) {
    this.#context = context;
    this.#onFormed = onFormed;
    this.#voters = [...context.config.voters].sort();
  }

  /** A cluster of one needs to meet nobody. */
  start(): void {
    if (this.#context.genesis === undefined) this.#maybeMake();
  }

  onLinkUp(peer: NodeId): void {
    const { genesis } = this.#context;
    const link = this.#context.links.get(peer)!;
    if (genesis === undefined) this.#meet();
    else if (link.cluster === undefined) this.#tellGenesis(peer, genesis);
  }

  onMet(from: NodeId, disks: readonly string[]): void {
    const { genesis } = this.#context;
    this.#met.set(from, disks.join(' '));
    if (genesis === undefined) this.#maybeMake();
    else this.#tellGenesis(from, genesis);
  }

  onGenesis(from: NodeId, genesis: Genesis): void {
    if (this.#context.genesis !== undefined || this.#context.exclusion !== undefined || this.#making) return;
    const { self, disk } = this.#context.config;
    const named = genesis.voters[self];
    if (named === undefined) {
      this.#context.notice({ kind: 'wrongCluster', peer: from, reason: `its cluster has no node ${self}` });
    } else if (named === disk) this.#adopt(genesis);
    else this.exclude('wiped');
  }

  /** Kept over restarts. */
  exclude(reason: Exclusion): void {
    if (this.#context.exclusion !== undefined) return;
    this.#context.exclusion = reason;
    this.#context.outbox.clear();
    this.#context.persist({ kind: 'exclusion', reason });
    const { config, term } = this.#context;
    this.#context.notice({ kind: 'excluded', peer: config.self, term, reason });
  }

  /** Sends the genesis, once it is durable, to whoever is empty. */
  #tellGenesis(peer: NodeId, genesis: Genesis): void {
    this.#context.sendAfter(this.#context.genesisTicket, peer, { kind: 'genesis', genesis });
  }

  /** Told once for every link that completes the list, and never in answer: answers to answers would not end. */
  #meet(): void {
    const disks = this.#disksMet();
    if (disks === undefined || this.#context.exclusion !== undefined) return;
    this.#context.broadcast({ kind: 'met', disks });
    this.#maybeMake();
  }

  #maybeMake(): void {
    const disks = this.#disksMet();
    if (disks === undefined || this.#context.exclusion !== undefined) return;
    if (this.#voters[0] !== this.#context.config.self || this.#making) return;
    const agreed = disks.join(' ');
    if (this.#context.others.every((peer) => this.#met.get(peer) === agreed)) this.#make(disks);
  }

  /** Every listed node is linked, empty, and lists the same nodes. */
  #disksMet(): string[] | undefined {
    const disks: string[] = [];
    for (const voter of this.#voters) {
      if (voter === this.#context.config.self) {
        disks.push(this.#context.config.disk);
        continue;
      }
      const link = this.#context.links.get(voter)!;
      if (!link.up || link.disk === undefined || link.cluster !== undefined) return undefined;
      if ([...link.voters].sort().join(' ') !== this.#voters.join(' ')) return undefined;
      disks.push(link.disk);
    }
    return disks;
  }

  #make(disks: readonly string[]): void {
    this.#making = true;
    const { genesisNames, database } = this.#context.config;
    const voters: Record<string, DiskId> = {};
    for (let at = 0; at < disks.length; at++) voters[this.#voters[at]!] = disks[at] as DiskId;
    this.#adopt({
      cluster: genesisNames.cluster as ClusterId,
      databases: { [database]: genesisNames.database as DatabaseUid },
      voters,
      limits: { revisionGap: REVISION_GAP },
    });
  }

  #adopt(genesis: Genesis): void {
    assert(this.#context.genesis === undefined, 'a genesis is adopted once');
    this.#context.genesis = genesis;
    this.#context.genesisTicket = this.#context.persist({ kind: 'genesis', genesis }, { changesState: true });
    this.#context.notice({ kind: 'formed', cluster: genesis.cluster });
    // Every holder passes it on: whoever made it may be gone before all have it.
    for (const [peer, link] of this.#context.links) {
      if (link.up && link.cluster === undefined) this.#tellGenesis(peer, genesis);
    }
    this.#onFormed();
  }
}
