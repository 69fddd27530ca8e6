import { Holdfast } from '@holdfast/client';
import { HoldfastError, type LogIndex } from '@holdfast/types';
import type { SimCluster } from '../cluster/sim-cluster.ts';
import type { SimMachine } from '../cluster/sim-machine.ts';
import type { FaultAtlas } from '../faults/fault-atlas.ts';
import type { FaultWorld } from '../faults/fault-world.ts';
import type { ListedMutation } from '../oracles/acknowledged-writes.ts';
import { checkEqualStores } from '../oracles/equal-stores.ts';
import { keyName, type WinningLog } from '../oracles/winning-log.ts';
import type { Rest, Schedule } from '../schedule/schedule.ts';
import { PROBE_KEY } from '../workload/keys.ts';
import { RunFailure } from './run-failure.ts';
import { underTest } from './under-test.ts';
import { untilOrFailure } from './until-or-failure.ts';
import type { Watch } from './watch.ts';

/** From the end of the faults to the first acknowledged write of a majority that is up and connected. */
const RECOVERY_MS_MAX = 10_000;
/** Until nodes that are up agree. */
const AGREEMENT_MS_MAX = 20_000;
const PROBE_TIMEOUT_MS = 1000;
/** Until one that is asked for what it holds has answered. */
const ANSWER_MS_MAX = 60_000;
/** Election timeouts after which a hand-over that was under way is over: four until it pauses, and one until it is obeyed. */
const SETTLED_TIMEOUTS = 5;
/** Election timeouts for which whoever is in office must keep it then: time for several elections, if one follows the other. */
const CALM_TIMEOUTS = 10;
const IS_CALM = 'a majority that goes on holds no election';
const GOES_ON = 'a majority takes writes and answers';
/** Where the client is that asks. */
const PROBE_HOST = 'probe';

/** The end of a run, without faults: a majority must go on; then all come back and must agree. */
export class Aftermath {
  readonly #cluster: SimCluster;
  readonly #watch: Watch;
  readonly #atlas: FaultAtlas;
  readonly #majority: readonly SimMachine[];
  readonly #rest: Rest | undefined;
  readonly #electionTimeoutMs: number;
  /** Of nodes and clients. */
  readonly #hosts: readonly string[];
  readonly #client: Holdfast;
  /** Who must: the majority, and whoever stands in for those of it that cannot. */
  #goOn: readonly SimMachine[];

  constructor(world: FaultWorld, { majority, rest }: Pick<Schedule, 'majority' | 'rest'>) {
    const { cluster, watch, atlas, hosts } = world;
    this.#cluster = cluster;
    this.#watch = watch;
    this.#atlas = atlas;
    this.#majority = cluster.machines.filter(({ id }) => majority.includes(id));
    this.#goOn = this.#majority;
    this.#rest = rest;
    this.#electionTimeoutMs = cluster.machines[0]!.config.timing.electionTimeoutMs;
    this.#hosts = [...hosts, PROBE_HOST];
    const { transport, clock, random } = cluster.clientProcess(PROBE_HOST);
    this.#client = underTest(
      new Holdfast(cluster.urls, {
        seams: { transport, clock, random },
        openTimeoutMs: RECOVERY_MS_MAX,
        // All that is stored, whatever namespace it belongs to.
        rawKeys: true,
      }),
    );
  }

  /** The majority is up, the others are not, or are cut off. Answers how long it took until it took a write. */
  async majorityGoesOn(): Promise<number> {
    const { clock, trace } = this.#cluster;
    const majority = this.#withSoundMajority();
    this.#goOn = majority;
    for (const machine of this.#cluster.machines)
      if (majority.includes(machine)) machine.start();
      else if (this.#rest === undefined) machine.kill();
      else this.#cutOff(machine, this.#rest, majority);
    trace.record(`${majority.map(({ id }) => id).join(' ')} must go on`);
    const since = clock.now();
    const limitMs = RECOVERY_MS_MAX / this.#cluster.clockRates.slowest;
    let done = false;
    this.#probeUntilDone(() => clock.now() - since < limitMs).then(
      () => {
        done = true;
      },
      (error: unknown) => this.#watch.fails(error),
    );
    await this.#until(GOES_ON, () => done, RECOVERY_MS_MAX + 2 * PROBE_TIMEOUT_MS);
    const recoveryMs = clock.now() - since;
    await this.#agree(majority);
    return recoveryMs;
  }

  /**
   * Nothing that is down, cut off or slow unseats a primary: one write goes through between two elections as well. Not
   * judged if one of those that go on ends for what its disk did before: it may be the primary.
   */
  async staysCalm(): Promise<void> {
    await this.#passes(SETTLED_TIMEOUTS, () => false);
    const runs = this.#runs();
    const term = this.#highestTerm();
    await this.#passes(CALM_TIMEOUTS, () => this.#highestTerm() !== term || this.#runs() !== runs);
    if (this.#highestTerm() !== term && this.#runs() === runs)
      throw new RunFailure('liveness', IS_CALM, `term ${term} ended, and nothing went wrong`);
  }

  /** All nodes are up, hold the same, and have judged what they superseded. */
  async everybodyAgrees(): Promise<void> {
    this.#cluster.network.healAll();
    this.#cluster.startAll();
    await this.#agree(this.#cluster.machines);
    if (this.#restartWhoCouldNotRead()) await this.#agree(this.#cluster.machines);
    await this.#until(
      'every superseded entry is judged',
      () =>
        this.#members(this.#cluster.machines).every(({ node }) => node!.status().divergence.pending === 0),
      AGREEMENT_MS_MAX,
    );
    for (const machine of this.#cluster.machines)
      this.#watch.replaced.checkVerdict(
        machine.id,
        machine.node!.status().exclusion,
        this.#atlas.wasImpaired(machine),
      );
  }

  /** A disk that failed to read what a node had listed as lost reads it again, now that all faults are over. */
  #restartWhoCouldNotRead(): boolean {
    const hit = this.#cluster.machines.filter(({ node }) => node!.status().divergence.damagedBytes > 0);
    for (const machine of hit) machine.kill();
    this.#cluster.startAll();
    return hit.length > 0;
  }

  /**
   * What clients read in the end is what the log comes to, which is answered. A request that was long on its way may
   * arrive in between and change it: then they look again.
   */
  async readsBack(): Promise<WinningLog> {
    const { stateMachine } = this.#watch;
    for (;;) {
      const before = stateMachine.winningLog().lastIndex;
      const all = this.#client.iterator<Buffer, string>({ keyEncoding: 'buffer' }).all();
      const stored = await this.#answer('all that is stored is read', all);
      const log = stateMachine.winningLog();
      if (log.lastIndex !== before) continue;
      const found = stored.map(([key, value]) => [keyName(key), value] as const);
      checkEqualStores(found, log);
      return log;
    }
  }

  /** What any node lists as diverged. */
  async listed(): Promise<ListedMutation[]> {
    const { machines } = this.#cluster;
    const listed = new Map<string, ListedMutation[]>();
    for (const { node } of machines) {
      const divergence = underTest(node!.divergence);
      for (const { id } of divergence.list()) {
        if (listed.has(id)) continue;
        const entry = await this.#answer('what is listed as diverged is shown', divergence.show(id));
        const mutations = entry?.writes.flatMap(({ session, sequence, mutations }) =>
          mutations.map((mutation) => ({ ...mutation, call: `${session}/${sequence}` })),
        );
        listed.set(
          id,
          (mutations ?? []).map((mutation) => ({
            entry: id,
            call: mutation.call,
            key: keyName(mutation.key),
            value: mutation.kind === 'put' ? Buffer.from(mutation.value).toString() : undefined,
            revision: mutation.revision,
          })),
        );
      }
    }
    return [...listed.values()].flat();
  }

  /**
   * Who lost a part of its disk may be of no use, though it is one of the majority: then others are up as well. And a
   * cluster forms only once all its nodes have met.
   */
  #withSoundMajority(): SimMachine[] {
    const { machines } = this.#cluster;
    const isFormed = this.#majority.some(({ id }) => {
      const context = this.#watch.coreOf(id)?.context;
      // Of a node that is down it may be lost: it is the first that goes to a log.
      return context?.genesis !== undefined && context.persists.completed > 0;
    });
    if (!isFormed) return [...machines];
    const isSound = (machine: SimMachine): boolean => !this.#atlas.isImpaired(machine);
    const chosen = [...this.#majority];
    for (const machine of machines.filter(isSound))
      if (!chosen.includes(machine) && chosen.filter(isSound).length <= machines.length / 2)
        chosen.push(machine);
    return chosen;
  }

  /** From the majority and all clients, not from others that are. */
  #cutOff(machine: SimMachine, rest: Rest, majority: readonly SimMachine[]): void {
    const { network, trace, machines } = this.#cluster;
    machine.start();
    for (const host of this.#hosts) {
      if (machines.some((other) => other.id === host && !majority.includes(other))) continue;
      if (rest !== 'deaf') network.cutOneWay(machine.id, host);
      if (rest !== 'unheard') network.cutOneWay(host, machine.id);
    }
    trace.record(`${machine.id} is ${rest === 'cut' ? 'cut off' : rest}, and stays so`);
  }

  /** Of those that go on. */
  #highestTerm(): number {
    return Math.max(...this.#goOn.map(({ id }) => this.#watch.coreOf(id)?.context.term ?? 0));
  }

  /** Another text once one of those that go on is down, or was. */
  #runs(): string {
    return this.#goOn.map(({ boot }) => boot?.number ?? 'down').join();
  }

  /** So much time, unless it is so before. */
  async #passes(timeouts: number, isSo: () => boolean): Promise<void> {
    const { clock, clockRates } = this.#cluster;
    const limitMs = timeouts * this.#electionTimeoutMs;
    const end = clock.now() + limitMs / clockRates.slowest;
    // Something must come up at the end, whatever else does not.
    clock.setTimer(limitMs / clockRates.slowest, () => {});
    await this.#until(IS_CALM, () => clock.now() >= end || isSo(), limitMs + 1);
  }

  /** Those that are not out of the cluster, as far as they say. */
  #members(machines: readonly SimMachine[]): SimMachine[] {
    return machines.filter(({ node }) => node?.status().exclusion === undefined);
  }

  async #probeUntilDone(isInTime: () => boolean): Promise<void> {
    for (;;) {
      try {
        await this.#client.put(PROBE_KEY, 'value', { ack: 'quorum', timeoutMs: PROBE_TIMEOUT_MS });
        await this.#client.get(PROBE_KEY, { consistency: 'linearizable', timeoutMs: PROBE_TIMEOUT_MS });
        return;
      } catch (error) {
        if (!(error instanceof HoldfastError)) throw error;
        if (!isInTime())
          throw new RunFailure(
            'liveness',
            GOES_ON,
            `no write went through in ${RECOVERY_MS_MAX} ms of the slowest clock`,
            error,
          );
      }
    }
  }

  async #agree(machines: readonly SimMachine[]): Promise<void> {
    await this.#until(
      'nodes that are up have applied the same',
      () => {
        let applied: LogIndex | undefined;
        // Asked after every timer: no further than it has to be.
        return machines.every(({ node }) => {
          const status = node?.status();
          if (status?.exclusion !== undefined) return true;
          applied ??= status?.applied;
          return status?.serving === true && status.applied === applied;
        });
      },
      AGREEMENT_MS_MAX,
    );
    const found = [];
    for (const { id, node } of this.#members(machines)) {
      const { applied, digest } = await this.#answer('digests are told', node!.digest());
      found.push({ node: id, applied: applied.index, digest });
    }
    this.#watch.stateMachine.checkDigests(found);
  }

  async #answer<Result>(what: string, promise: Promise<Result>): Promise<Result> {
    let settled = false;
    const done = (): void => {
      settled = true;
    };
    promise.then(done, done);
    await this.#until(what, () => settled, ANSWER_MS_MAX);
    return promise;
  }

  async #until(what: string, condition: () => boolean, limitMs: number): Promise<void> {
    await untilOrFailure({ cluster: this.#cluster, watch: this.#watch, what, condition, limitMs });
  }
}
