import {
  type Ack,
  type DatabaseUid,
  LIMITS,
  type LogIndex,
  type NodeId,
  type PeerMessage,
  type SessionId,
} from '@holdfast/types';
import type { CoreConfig, CoreLimits, CoreTiming, ProposedWrite } from '../../src/api.ts';
import { Cluster, TICK_MS, type Trace } from './cluster.ts';
import type { ClusterNode, CoreFactory, Work } from './cluster-node.ts';
import { CommandLine, parseNodes, parseRevision, parseWrite } from './command-line.ts';
import { bytes } from './entries.ts';
import { bytesText, entryText, messageText, revisionText } from './format.ts';
import type { Block } from './script-file.ts';

const TIMING: CoreTiming = {
  heartbeatMs: 50,
  electionTimeoutMs: 400,
  rankStepMs: 15,
  preVoteRepeatMs: 10,
  persistStallMaxMs: 300,
};

const DEADLINE_MS = 60_000;

type Command = (line: CommandLine, block: Block) => string[] | undefined;

/** Runs the commands of one script against a cluster of its own. What a command returns, or made happen, is printed. */
export class ScriptDriver {
  readonly #make: CoreFactory;
  #made: Cluster | undefined;
  #requests = 0;
  readonly #sequences: Map<string, number> = new Map();

  constructor(make: CoreFactory) {
    this.#make = make;
  }

  run(block: Block): string {
    const line = new CommandLine(block.command);
    const command = this.#commands[line.name];
    if (command === undefined) throw new Error(`no command ${line.name}`);
    const before = this.#made?.trace;
    if (line.words.includes('quietly')) this.#made!.trace = 'none';
    const lines = command(line, block) ?? [];
    line.assertAllUsed();
    if (line.words.includes('quietly')) this.#made!.trace = before!;
    const output = [...(this.#made?.takeOutput() ?? []), ...lines];
    return output.length === 0 ? 'ok' : output.join('\n');
  }

  /** At the end of a script: everything once more, to the same effect. */
  finish(): void {
    this.#made?.replay();
  }

  readonly #commands: Record<string, Command> = {
    cluster: (line) => this.#newCluster(line),
    trace: (line) => {
      this.#cluster.trace = line.words[0] as Trace;
      return undefined;
    },
    tick: (line) => {
      const nodes = line.text('nodes');
      this.#cluster.tick(Number(line.words[0]), nodes === undefined ? undefined : this.#nodes(nodes));
      return undefined;
    },
    run: (line) => {
      const nodes = line.text('nodes');
      const ticked = nodes === undefined ? undefined : this.#nodes(nodes);
      const stepMs = line.number('step', TICK_MS);
      this.#cluster.tick(Number(line.words[0]), ticked, { stepMs, then: () => this.#cluster.auto() });
      return undefined;
    },
    auto: () => void this.#cluster.auto(),
    campaign: (line) => void this.#cluster.campaign(this.#node(line)),
    elect: (line) => void this.#cluster.elect(this.#node(line)),
    persist: (line) => this.#complete(line, 'persist'),
    apply: (line) => this.#complete(line, 'apply'),
    load: (line) => this.#complete(line, 'load'),
    fetch: (line) => this.#complete(line, 'fetch'),
    due: (line) => this.#complete(line, 'due'),
    old: (line) => this.#complete(line, 'old'),
    install: (line) => this.#complete(line, 'install'),
    snapshot: (line) => this.#complete(line, 'snapshot'),
    hold: (line) => void this.#node(line).held.add(line.words[1] as Work),
    unhold: (line) => void this.#node(line).held.delete(line.words[1] as Work),
    deliver: (line) => void this.#cluster.deliver(this.#take(line)),
    /** A message as JSON in the line below: late, repeated by the network, or of a node that the script plays itself. */
    inject: (line, block) => {
      const message = JSON.parse(block.input.join(' ')) as PeerMessage;
      this.#cluster.deliver([{ from: line.words[0] as NodeId, to: line.words[1] as NodeId, message }]);
      return undefined;
    },
    drop: (line) => void this.#take(line),
    pending: () => this.#pending(),
    propose: (line, block) => this.#propose(line, block),
    open: (line) => {
      const options = {
        id: this.#nextId(),
        connection: line.number('conn', 1),
        ms: line.number('ms', DEADLINE_MS),
      };
      this.#cluster.open(this.#node(line), line.words[1]!, options);
      return undefined;
    },
    close: (line) => {
      const node = this.#node(line);
      const session = this.#session(line.words[1]!);
      const deadline = this.#cluster.deadline(node, DEADLINE_MS);
      this.#cluster.input(node, {
        kind: 'closeSession',
        connection: 1,
        id: this.#nextId(),
        session,
        deadline,
      });
      return undefined;
    },
    hangup: (line) =>
      void this.#cluster.input(this.#node(line), {
        kind: 'connectionClosed',
        connection: line.number('conn', 1),
      }),
    read: (line) => this.#read(line),
    switchover: (line) => {
      const target = line.words[1] as NodeId | undefined;
      const order = {
        kind: 'switchover',
        id: this.#nextId(),
        ...(target === undefined ? {} : { target }),
      } as const;
      this.#cluster.order(this.#node(line), order);
      return undefined;
    },
    diskfull: (line) =>
      void this.#cluster.order(this.#node(line), { kind: 'diskFull', full: line.words[1] === 'on' }),
    cut: (line) => this.#cut(line),
    isolate: (line) => {
      const node = this.#node(line);
      for (const peer of this.#cluster.nodes) {
        if (peer === node) continue;
        this.#cluster.cut(node, peer);
        this.#cluster.cut(peer, node);
      }
      return undefined;
    },
    heal: () => void this.#cluster.heal(),
    disconnect: (line) => void this.#cluster.disconnect(this.#node(line), this.#cluster.node(line.words[1])),
    refuse: (line) => {
      const peer = this.#cluster.node(line.words[1]);
      this.#cluster.input(this.#node(line), { kind: 'linkDown', peer: peer.id, cause: 'refused' });
      return undefined;
    },
    connect: (line) => {
      if (line.words.length === 0) this.#cluster.connectAll();
      else this.#cluster.connect(this.#node(line), this.#cluster.node(line.words[1]));
      return undefined;
    },
    crash: (line) => {
      const options = {
        kept: line.number('kept', 0),
        silent: line.words.includes('silent'),
        refused: !line.words.includes('unrefused'),
      };
      for (const node of this.#nodes(line.words[0]!)) this.#cluster.crash(node, options);
      return undefined;
    },
    restart: (line) => {
      for (const node of this.#nodes(line.words[0]!)) this.#cluster.restart(node);
      return undefined;
    },
    freeze: (line) => {
      this.#node(line).frozen = true;
      return undefined;
    },
    thaw: (line) => {
      this.#node(line).frozen = false;
      return undefined;
    },
    wipe: (line) => void this.#node(line).wipe(),
    /** Damage to the store of a node that is down. */
    damage: (line) => void this.#node(line).damageStore(),
    /** Damage to the log of a node that is down. */
    lose: (line) => {
      const [from, to] = [line.number('from', 0), line.number('to', line.number('from', 0))];
      this.#node(line).log.loseEntries({ from, to, term: line.number('term', 1) });
      return undefined;
    },
    losetail: (line) => void this.#node(line).log.loseTail(Number(line.words[1])),
    backup: (line) => void this.#cluster.backup(this.#node(line), line.words[1]!),
    restore: (line) => void this.#cluster.restore(this.#node(line), line.words[1]!),
    checkpoint: (line) => [`${line.words[0]} checkpoint at ${this.#node(line).store.checkpoint().index}`],
    compact: (line) => {
      const peersFrom = line.number('peers', 0) as LogIndex;
      return [`${line.words[0]} keeps from ${this.#cluster.compact(this.#node(line), peersFrom)}`];
    },
    status: (line) => this.#shown(line).map((node) => this.#statusText(node)),
    log: (line) =>
      this.#shown(line).flatMap((node) =>
        node.log.entries('written').map((one) => `${node.id} ${entryText(one)}`),
      ),
    store: (line) =>
      this.#shown(line).flatMap((node) =>
        node.store
          .data()
          .map(
            ([key, { value, revision }]) => `${node.id} ${key}=${bytesText(value)}@${revisionText(revision)}`,
          ),
      ),
    places: (line) =>
      this.#shown(line).map((node) => `${node.id} ${node.store.places().map(placeText).join(' ') || '-'}`),
    diverged: (line) =>
      this.#shown(line).flatMap((node) => node.diverged.map((entry) => `${node.id} ${entryText(entry)}`)),
  };

  get #cluster(): Cluster {
    if (this.#made === undefined) throw new Error('no cluster yet');
    return this.#made;
  }

  #newCluster(line: CommandLine): string[] | undefined {
    const ids = Array.from({ length: line.number('nodes', 3) }, (_, place) => `n${place + 1}` as NodeId);
    const timing = { ...TIMING, ...line.group('timing.') };
    const limits = { ...limitsOf(), ...line.group('limits.') };
    const configOf = (node: ClusterNode): CoreConfig => ({
      self: node.id,
      disk: node.disk,
      voters: ids,
      database: 'default',
      timing,
      limits,
      seed: 100 * ids.indexOf(node.id) + node.boot,
      genesisNames: { cluster: 'c'.repeat(32), database: 'd'.repeat(32) as DatabaseUid },
    });
    this.#made = new Cluster({ ids, make: this.#make, configOf });
    const primary = line.text('primary');
    if (primary === undefined) return undefined;
    this.#cluster.trace = 'none';
    this.#cluster.auto();
    this.#cluster.campaign(this.#cluster.node(primary));
    const session = line.text('session');
    if (session !== undefined) {
      this.#cluster.open(this.#cluster.node(primary), session, {
        id: this.#nextId(),
        connection: 1,
        ms: DEADLINE_MS,
      });
    }
    this.#cluster.tick(50, undefined, { then: () => this.#cluster.auto() });
    this.#cluster.takeOutput();
    this.#cluster.trace = 'brief';
    return this.#cluster.nodes.map((node) => this.#statusText(node));
  }

  #propose(line: CommandLine, block: Block): undefined {
    const [, nodeName, sessionName, ...rest] = block.command.trim().split(/\s+/);
    const node = this.#cluster.node(nodeName);
    const options = rest.filter((word) => /^(ack|floor|ms|conn)=/.test(word));
    const inline = rest.filter((word) => !options.includes(word)).join(' ');
    const settings = new CommandLine(['options', ...options].join(' '));
    const ack = (settings.text('ack') ?? 'quorum') as Ack;
    const deadline = this.#cluster.deadline(node, settings.number('ms', DEADLINE_MS));
    const requests = [...(inline === '' ? [] : [inline]), ...block.input].map((write): ProposedWrite => {
      const sequence = (this.#sequences.get(sessionName!) ?? 0) + 1;
      const request = parseWrite(write, { id: this.#nextId(), sequence, ack, deadline });
      this.#sequences.set(sessionName!, Math.max(sequence - 1, request.sequence));
      return request;
    });
    for (const word of rest) line.text(word.slice(0, Math.max(0, word.indexOf('='))));
    this.#cluster.input(node, {
      kind: 'propose',
      connection: settings.number('conn', 1),
      session: this.#session(sessionName!),
      floor: settings.number('floor', 0),
      requests,
    });
    return undefined;
  }

  #read(line: CommandLine): undefined {
    const keys = line.words.slice(1);
    const maxStalenessMs = line.text('max');
    const read = {
      id: this.#nextId(),
      consistency: (line.text('consistency') ?? 'linearizable') as 'linearizable',
      keys: keys[0] === 'range' ? undefined : keys.map(bytes),
      token: parseRevision(line.text('token') ?? '0'),
      ...(maxStalenessMs === undefined ? {} : { maxStalenessMs: Number(maxStalenessMs) }),
    };
    this.#cluster.read(this.#node(line), read, line.number('ms', DEADLINE_MS));
    return undefined;
  }

  #complete(line: CommandLine, work: Work): string[] | undefined {
    const count = line.text('count');
    const done = this.#cluster.complete(
      this.#node(line),
      work,
      count === undefined ? undefined : Number(count),
    );
    return done ? undefined : [`${line.words[0]} has no ${work} under way`];
  }

  /** `from= to= kind= pick=2` (place on its link) `keep`; all without. */
  #take(line: CommandLine) {
    const [from, to, kind, pick] = [line.text('from'), line.text('to'), line.text('kind'), line.text('pick')];
    const taken = this.#cluster.take(
      (one, place) =>
        (from === undefined || one.from === from) &&
        (to === undefined || one.to === to) &&
        (kind === undefined || one.message.kind === kind) &&
        (pick === undefined || place === Number(pick)),
      line.words.includes('keep'),
    );
    if (taken.length === 0) throw new Error('nothing in flight matches');
    return taken;
  }

  #cut(line: CommandLine): undefined {
    const [from, to] = [this.#node(line), this.#cluster.node(line.words[1])];
    this.#cluster.cut(from, to);
    if (!line.words.includes('oneway')) this.#cluster.cut(to, from);
    return undefined;
  }

  #pending(): string[] {
    const work = this.#cluster.nodes.flatMap((node) => node.outstanding().map((one) => `${node.id} ${one}`));
    const messages = this.#cluster.inFlight.map(
      ({ from, to, message }) => `${from}>${to} ${messageText(message)}`,
    );
    return [...work, ...messages];
  }

  #statusText(node: ClusterNode): string {
    const status = this.#cluster.status(node);
    if (status === undefined) {
      return node.stopReason === undefined ? `${node.id} down` : `${node.id} stopped: ${node.stopReason}`;
    }
    const parts = [
      `${node.id} ${status.role}${status.admitting ? ' admitting' : ''}${status.serving ? '' : ' not-serving'}`,
      `term=${status.term} primary=${status.primary ?? '-'}`,
      `last=${status.last.index}@${status.last.term} durable=${status.durable} commit=${status.commit}`,
      `applied=${status.applied}`,
    ];
    if (status.exclusion !== undefined) parts.push(`excluded=${status.exclusion}`);
    else if (status.role !== 'forming' && status.cluster === undefined) parts.push('cluster=untold');
    if (status.supersededPending > 0) parts.push(`superseded=${status.supersededPending}`);
    return parts.join(' ');
  }

  #shown(line: CommandLine): readonly ClusterNode[] {
    return line.words.length === 0 ? this.#cluster.nodes : this.#nodes(line.words[0]!);
  }

  #node(line: CommandLine): ClusterNode {
    return this.#cluster.node(line.words[0]);
  }

  #nodes(names: string): ClusterNode[] {
    return parseNodes(names).map((name) => this.#cluster.node(name));
  }

  #nextId(): number {
    this.#requests += 1;
    return this.#requests;
  }

  /** A name given by `open`, or an id as it stands. */
  #session(name: string): SessionId {
    return this.#cluster.sessions.get(name) ?? (name as SessionId);
  }
}

/** `a@12`: of the key a, at log time 12. */
function placeText(place: string): string {
  const [at, ...key] = place.split('/');
  return `${key.join('/')}@${Number(at)}`;
}

function limitsOf(): CoreLimits {
  return { ...LIMITS };
}
