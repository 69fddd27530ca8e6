import { Holdfast } from '@holdfast/client';
import { assert, HoldfastError } from '@holdfast/types';
import { SimCluster } from '../../src/cluster/sim-cluster.ts';
import type { SimMachine } from '../../src/cluster/sim-machine.ts';
import { isFailedByDisk } from '../../src/faults/failed-by-disk.ts';
import { pick } from '../../src/run/draw.ts';
import { Watch } from '../../src/run/watch.ts';
import { SimDisk } from '../../src/sim-disk.ts';
import { SimRandom } from '../../src/sim-random.ts';
import { AT_WORK, type DamageKind, damaged, isTold } from './damaged-disk.ts';

const WRITES = 40;
const KEYS = 15;
const TRIES = 20;
/** Soon, so that heads of logs go, or never: then the log is all there is. */
const CHECKPOINTS = [
  { checkpointBytes: 3000, checkpointMs: 200 },
  { checkpointBytes: 1_000_000, checkpointMs: 100_000 },
];
/** After this all that was written is marked as synced on every node that is up, and known to be committed. */
const IDLE_MS = 500;
/** For elections, repairs and snapshots, and for nodes to find out that there is nothing to be done. */
const SETTLES_MS = 3000;
const CALL_MS = 400;
const STALENESS_MS_MAX = 300;

/** What a node came to in the end. */
export type Verdict = 'serves' | 'waits' | 'is out' | 'ended';

/**
 * A cluster that is damaged anywhere, with no regard to what is left of anything: what was acknowledged may be gone from all
 * disks. Then whoever serves must serve all that was acknowledged, and nobody else serves anything.
 */
export class DamagedRun {
  readonly kinds: DamageKind[] = [];
  /** By node. */
  readonly verdicts = new Map<string, Verdict>();
  /** Reads that were answered, and rightly, after the damage. */
  answered = 0;
  refused = 0;
  readonly #random: SimRandom;
  readonly #cluster: SimCluster;
  readonly #watch: Watch;
  readonly #acknowledged = new Map<string, string | undefined>();
  /** Ended, with codes that say why. */
  readonly #ended = new Map<SimMachine, unknown>();
  #clients = 0;
  #isDamaged = false;

  constructor(seed: number) {
    this.#random = new SimRandom(seed);
    const nodes = pick(this.#random, [1, 2, 3, 3, 3, 5]);
    this.#watch = new Watch(nodes);
    this.#cluster = new SimCluster({
      seed,
      nodes,
      segmentBytes: pick(this.#random, [16_384, 65_536]),
      storeBufferBytes: pick(this.#random, [1000, 8000]),
      tuning: { ...pick(this.#random, CHECKPOINTS), walRetainBytes: pick(this.#random, [0, 100_000]) },
      observer: this.#watch,
      onNodeEnded: (boot, error) => {
        const machine = this.#cluster.machine(boot.node);
        if (this.#isDamaged && saysWhy(error)) this.#ended.set(machine, error);
        else this.#watch.onNodeEnded(boot, error);
        machine.kill();
      },
    });
    this.#watch.follow(this.#cluster);
  }

  async run(): Promise<void> {
    const { machines } = this.#cluster;
    this.#cluster.startAll();
    await this.#until(() => this.#cluster.primary !== undefined);
    await this.#fill();
    await this.#passes(IDLE_MS);
    const isAtWork = this.#random.next() < 0.35;
    if (!isAtWork) this.#end();
    this.#damage(isAtWork);
    if (isAtWork) await this.#goesOn('under damage');
    for (let start = 1; start <= 2; start += 1) {
      for (const machine of machines) machine.kill();
      this.#ended.clear();
      this.#cluster.startAll();
      await this.#goesOn(`after start ${start}`);
      for (const machine of machines) this.verdicts.set(machine.id, this.#verdictOn(machine));
    }
  }

  /** As far as it may. */
  async #goesOn(when: string): Promise<void> {
    await this.#passes(SETTLES_MS);
    await this.#readAll();
    await this.#write(when);
    await this.#passes(IDLE_MS);
    await this.#readAll();
    await this.#compare();
  }

  /** Killed, or without power: then stores are only what they were at their last checkpoint. */
  #end(): void {
    const losePower = this.#random.next() < 0.6;
    for (const machine of this.#cluster.machines)
      if (losePower) machine.powerOff({ keep: 'synced' });
      else machine.kill();
  }

  /** One of several may be away while a part is written. */
  async #fill(): Promise<void> {
    const { machines } = this.#cluster;
    const client = this.#client();
    const isAway = this.#random.next() < 0.5 && machines.length > 2;
    const away = pick(this.#random, machines);
    const from = isAway ? Math.floor(this.#random.next() * WRITES) : WRITES;
    for (let count = 0; count < WRITES; count += 1) {
      if (count === from) away.kill();
      const key = `key ${count % KEYS}`;
      const isDelete = this.#random.next() < 0.15;
      const value = isDelete ? undefined : `${count}`.padEnd(Math.floor(this.#random.next() * 600), '.');
      const options = { ack: 'quorum', timeoutMs: 10_000 } as const;
      await this.#drive(value === undefined ? client.del(key, options) : client.put(key, value, options));
      this.#acknowledged.set(key, value);
    }
    if (isAway && this.#random.next() < 0.5) away.start();
  }

  /** Each node that is hit, and at least one is, several times; not all of them are replaced: that makes a new cluster. */
  #damage(isAtWork: boolean): void {
    const { machines } = this.#cluster;
    const share = pick(this.#random, [0.4, 0.7, 1]);
    const hit = machines.filter(() => this.#random.next() < share);
    if (hit.length === 0) hit.push(pick(this.#random, machines));
    this.#isDamaged = true;
    let replaced = 0;
    for (const machine of hit) {
      const kinds = this.#damageTo(machine, { isAtWork, mayGo: replaced < machines.length - 1 });
      if (kinds.includes('disk')) replaced += 1;
      this.kinds.push(...kinds);
    }
  }

  #damageTo(
    machine: SimMachine,
    { isAtWork, mayGo }: { readonly isAtWork: boolean; readonly mayGo: boolean },
  ): DamageKind[] {
    const before = machine.disk.snapshotState('live');
    const times = pick(this.#random, [1, 1, 2, 4]);
    const kinds: DamageKind[] = [];
    let files: ReadonlyMap<string, Uint8Array> = before;
    for (let tries = 0; tries < TRIES && kinds.length < times; tries += 1) {
      const next = damaged(files, { random: this.#random, ...(isAtWork ? { kinds: AT_WORK } : {}) });
      if (next === undefined || !isTold(before, next.files) || (next.kind === 'disk' && !mayGo)) continue;
      files = next.files;
      kinds.push(next.kind);
      if (next.kind === 'disk') break;
    }
    if (isAtWork) change(machine, before, files);
    else machine.disk.become(SimDisk.holding(files));
    const isReplaced = kinds.includes('disk');
    this.#watch.promises.damaged(machine.id, { mustTell: !isReplaced });
    this.#watch.promises.storeDamaged(machine.id);
    if (isReplaced) this.#watch.replaced.wiped(machine.id);
    this.#cluster.trace.record(`fault: ${machine.id} loses ${kinds.join(', ')}`);
    return kinds;
  }

  /** Of one that is told nothing by another: its session has seen nothing. */
  #client(): Holdfast {
    this.#clients += 1;
    const { transport, clock, random } = this.#cluster.clientProcess(`c${this.#clients}`);
    return new Holdfast(this.#cluster.urls, { seams: { transport, clock, random } });
  }

  async #write(value: string): Promise<void> {
    const client = this.#client();
    const key = `key ${value}`;
    await this.#drive(
      client.put(key, value, { ack: 'quorum', timeoutMs: CALL_MS }).then(
        () => this.#acknowledged.set(key, value),
        (error: unknown) => this.#isRefused(error),
      ),
    );
  }

  /** What is answered is right: by a majority, and by who says how old its state is at most. */
  async #readAll(): Promise<void> {
    const client = this.#client();
    const calls = [...this.#acknowledged.keys()].flatMap((key) => [
      this.#read(key, client.get(key, { consistency: 'linearizable', timeoutMs: CALL_MS })),
      this.#read(
        key,
        client.get(key, {
          consistency: 'eventual',
          readPreference: 'standby',
          maxStalenessMs: STALENESS_MS_MAX,
          timeoutMs: CALL_MS,
        }),
      ),
    ]);
    await this.#drive(Promise.all(calls));
    const all = client.iterator({ consistency: 'linearizable', timeoutMs: CALL_MS }).all();
    await this.#drive(
      all.then(
        (found) => this.#checkAll(new Map(found)),
        (error: unknown) => this.#isRefused(error),
      ),
    );
    await this.#drive(client.close());
  }

  async #read(key: string, call: Promise<string | undefined>): Promise<void> {
    try {
      const found = await call;
      const expected = this.#acknowledged.get(key);
      assert(found === expected, `${key} reads ${found}, and ${expected} was acknowledged`);
      this.answered += 1;
    } catch (error) {
      this.#isRefused(error);
    }
  }

  #checkAll(found: ReadonlyMap<string, string>): void {
    for (const [key, value] of this.#acknowledged)
      assert(found.get(key) === value, `${key} is ${found.get(key)} in all, and ${value} was acknowledged`);
    this.answered += 1;
  }

  #isRefused(error: unknown): void {
    if (!(error instanceof HoldfastError)) throw error;
    this.refused += 1;
  }

  /** Those that serve hold the same. */
  async #compare(): Promise<void> {
    const found = [];
    for (const { id, node } of this.#cluster.machines) {
      if (node?.status().serving !== true) continue;
      const { applied, digest } = await this.#drive(node.digest());
      found.push({ node: id, applied: applied.index, digest });
    }
    this.#watch.stateMachine.checkDigests(found);
  }

  #verdictOn(machine: SimMachine): Verdict {
    if (this.#ended.has(machine)) return 'ended';
    assert(machine.node !== undefined, `${machine.id} neither started nor ended`);
    const { exclusion, serving, notReadyReason } = machine.node.status();
    if (exclusion !== undefined) {
      assert(!serving || notReadyReason !== undefined, `${machine.id} is out and says that it is ready`);
      return 'is out';
    }
    if (serving) return 'serves';
    assert(notReadyReason !== undefined, `${machine.id} does not serve, and does not say why`);
    return 'waits';
  }

  async #passes(ms: number): Promise<void> {
    const end = this.#cluster.clock.now() + ms;
    this.#cluster.clock.setTimer(ms, () => {});
    await this.#until(() => this.#cluster.clock.now() >= end);
  }

  async #until(condition: () => boolean): Promise<void> {
    await this.#cluster.clock.runUntil(() => this.#watch.failure !== undefined || condition());
    if (this.#watch.failure !== undefined) throw this.#watch.failure;
  }

  async #drive<Result>(promise: Promise<Result>): Promise<Result> {
    const result = await this.#cluster.clock.drive(promise);
    if (this.#watch.failure !== undefined) throw this.#watch.failure;
    return result;
  }
}

/** Under the feet of its node. */
function change(
  { disk }: SimMachine,
  before: ReadonlyMap<string, Uint8Array>,
  files: ReadonlyMap<string, Uint8Array>,
): void {
  for (const [path, bytes] of files) {
    const was = before.get(path)!;
    for (const [place, byte] of bytes.entries())
      if (byte !== was[place]) disk.corrupt(path, place, byte ^ was[place]!);
  }
}

/** Not an assertion, nor an error that nobody thought of. */
function saysWhy(error: unknown): boolean {
  if (error instanceof HoldfastError && error.code === 'HOLDFAST_DATA_DIRECTORY_UNUSABLE') return true;
  return error instanceof HoldfastError && isFailedByDisk(error);
}
