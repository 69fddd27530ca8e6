import type { Clock, NodeId, Term } from '@holdfast/types';
import { ClientHub } from '../clients/client-hub.ts';
import type { NodeConfig } from '../config/node-config.ts';
import { LogTraces } from '../tracing/log-traces.ts';
import { TurnEnd } from '../turn-end.ts';
import { ACTORS, Actor, type ActorPorts, CLUSTER, UID } from './actor.ts';
import { Client } from './client.ts';

interface Letter {
  readonly from: NodeId;
  readonly to: NodeId;
  readonly frame: Uint8Array;
}

const TICK_MS = 10;
/** Far beyond the first election: without a primary by then there will be none. */
const SETTLED_MS = 10_000;
/**
 * No whole number, as real times are none: what is compiled for fields that held whole numbers only would be thrown away
 * in the first failover, when fields are laid out anew.
 */
const FRAME_MS = 2.3;
const FRAME_WRITES = 4;

/**
 * Three cores in memory, and a client that is served by the same code as real ones. All that they say to each other
 * is encoded and decoded. Its time passes as it plays.
 */
export class Stage {
  readonly #actors: ReadonlyMap<NodeId, Actor>;
  readonly #client = new Client();
  readonly #traces = new LogTraces(ACTORS[0]!);
  #letters: Letter[] = [];
  #now = FRAME_MS;
  #tickedAt = FRAME_MS;
  #primary: NodeId | undefined;

  constructor(config: Pick<NodeConfig, 'timing' | 'limits'>) {
    const hub = this.#hub(config);
    const ports: ActorPorts = {
      now: () => this.#now,
      send: (from, to, frame) => this.#letters.push({ from, to, frame }),
      reply: ({ connection, replies }) => hub.reply(connection, replies),
      promoted: (id) => {
        this.#primary = id;
      },
    };
    this.#actors = new Map(ACTORS.map((id) => [id, new Actor(id, config, ports)]));
    for (const [id, actor] of this.#actors) for (const peer of ACTORS) if (peer !== id) actor.linkTo(peer);
    while (this.#primary === undefined && this.#now < SETTLED_MS) this.#tick();
    hub.accept(this.#client);
    this.#client.greet();
    this.#deliver();
  }

  /** Writes acknowledged so far. */
  get written(): number {
    return this.#client.written;
  }

  /** One frame of writes, and all that follows from it. The answers come at the end of the turn. */
  play(): void {
    this.#now += FRAME_MS;
    if (this.#now >= this.#tickedAt + TICK_MS) this.#tick();
    this.#client.write(FRAME_WRITES);
    this.#deliver();
  }

  #hub({ limits }: Pick<NodeConfig, 'limits'>): ClientHub {
    const clock: Clock = {
      now: () => this.#now,
      wallTime: () => 0,
      setTimer: () => ({ cancel: () => {} }),
    };
    return new ClientHub({
      node: ACTORS[0]!,
      clock,
      turnEnd: new TurnEnd(),
      limits,
      defaultAck: 'quorum',
      metrics: { write: () => {}, read: () => {}, error: () => {} },
      cluster: () => CLUSTER,
      database: () => ({
        uid: UID,
        traces: this.#traces,
        input: (input) => this.#actors.get(this.#primary!)?.input(input),
        feed: {
          open: () => {
            throw new Error('nobody watches a rehearsal');
          },
        },
      }),
      topology: () => ({ term: 1 as Term, nodes: [] }),
      onFatal: (error) => {
        throw error;
      },
    });
  }

  #tick(): void {
    this.#now = Math.max(this.#now, this.#tickedAt + TICK_MS);
    this.#tickedAt = this.#now;
    for (const actor of this.#actors.values()) actor.input({ kind: 'tick' });
    this.#deliver();
  }

  #deliver(): void {
    for (let letters = this.#take(); letters.length > 0; letters = this.#take())
      for (const { from, to, frame } of letters) this.#actors.get(to)!.receive(from, frame);
  }

  #take(): Letter[] {
    const letters = this.#letters;
    this.#letters = [];
    return letters;
  }
}
