import { Core, type CoreConfig, type Effect, type Input, type RecoveredState } from '@holdfast/core';
import {
  type BootId,
  type ClusterId,
  type DatabaseUid,
  type DiskId,
  type LogIndex,
  type NodeId,
  type Position,
  REVISION_GAP,
  type Revision,
  type Term,
  type Ticket,
} from '@holdfast/types';
import { decodePeerFrame, EntryCodec, encodePeerFrame } from '@holdfast/wire';

export const ACTORS: readonly NodeId[] = ['a', 'b', 'c'] as NodeId[];
export const UID: DatabaseUid = 'd'.repeat(32) as DatabaseUid;
export const CLUSTER: ClusterId = 'c'.repeat(32) as ClusterId;
const DATABASE = 'default';
const NOWHERE: Position = { index: 0 as LogIndex, term: 0 as Term };

export type ActorTuning = Pick<CoreConfig, 'timing' | 'limits'>;
type Reply = Extract<Effect, { kind: 'reply' }>;

export interface ActorPorts {
  now(): number;
  send(from: NodeId, to: NodeId, frame: Uint8Array): void;
  reply(reply: Reply): void;
  promoted(id: NodeId): void;
}

/** A core of a cluster that has formed, with a disk that syncs and a store that applies at once. */
export class Actor {
  readonly #id: NodeId;
  readonly #ports: ActorPorts;
  readonly #core: Core;
  readonly #entries = new EntryCodec();

  constructor(id: NodeId, tuning: ActorTuning, ports: ActorPorts) {
    this.#id = id;
    this.#ports = ports;
    this.#core = new Core(configOf(id, tuning), formed(), ports.now());
  }

  linkTo(peer: NodeId): void {
    const boot = `boot-${peer}` as BootId;
    this.input({ kind: 'linkUp', peer, boot, disk: diskOf(peer), cluster: CLUSTER, voters: ACTORS });
  }

  receive(from: NodeId, frame: Uint8Array): void {
    for (const message of decodePeerFrame(frame, this.#entries).messages)
      this.input({ kind: 'message', from, message });
  }

  input(input: Input): void {
    const inputs = [input];
    // Grows while it is walked through.
    for (const next of inputs) {
      for (const effect of this.#core.step(next, this.#ports.now())) {
        const outcome = this.#perform(effect);
        if (outcome !== undefined) inputs.push(outcome);
      }
    }
  }

  #perform(effect: Effect): Input | undefined {
    switch (effect.kind) {
      case 'persist': {
        const { record, ticket } = effect.order;
        if (record.kind === 'entries') for (const entry of record.entries) this.#entries.encode(entry);
        return { kind: 'persisted', ticket };
      }
      case 'apply':
        return { kind: 'applied', index: effect.applied.index };
      case 'send': {
        const frame = { database: UID, messages: [effect.message] };
        this.#ports.send(this.#id, effect.to, encodePeerFrame(frame, this.#entries));
        return undefined;
      }
      case 'reply':
        this.#ports.reply(effect);
        return undefined;
      case 'notice':
        if (effect.notice.kind === 'promotion') this.#ports.promoted(this.#id);
        return undefined;
      default:
        return undefined;
    }
  }
}

function diskOf(id: NodeId): DiskId {
  return id.repeat(32) as DiskId;
}

function configOf(self: NodeId, { timing, limits }: ActorTuning): CoreConfig {
  return {
    self,
    disk: diskOf(self),
    voters: ACTORS,
    database: DATABASE,
    timing,
    limits,
    seed: ACTORS.indexOf(self),
    genesisNames: { cluster: CLUSTER, database: UID },
  };
}

/** What is recovered by a node that knows its cluster and has not heard from anybody yet. */
function formed(): RecoveredState {
  return {
    log: {
      hardState: { term: 0 as Term },
      commitFloor: 0 as LogIndex,
      ticket: 0 as Ticket,
      genesis: {
        cluster: CLUSTER,
        databases: { [DATABASE]: UID },
        voters: Object.fromEntries(ACTORS.map((id) => [id, diskOf(id)])),
        limits: { revisionGap: REVISION_GAP },
      },
      base: NOWHERE,
      first: 1 as LogIndex,
      last: NOWHERE,
      lastRevision: 0 as Revision,
      lastLogTime: 0,
      termRuns: [],
      superseded: [],
      holes: [],
    },
    store: {
      applied: NOWHERE,
      checkpoint: NOWHERE,
      revision: 0 as Revision,
      logTime: 0,
      sessions: [],
      history: [],
    },
    storeUsable: true,
  };
}
