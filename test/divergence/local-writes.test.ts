import { Accounting, type FoundValue, type ListedMutation } from '@holdfast/check';
import { EXIT, run } from '@holdfast/cli';
import { type Holdfast, HoldfastError } from '@holdfast/client';
import { expect, test } from 'vitest';
import { type PrintedDivergence, type PrintedWrite, textOf, writesOf } from '../support/faults/diverged.ts';
import { ProcessCluster } from '../support/faults/process-cluster.ts';
import { waitUntil } from '../support/faults/wait-until.ts';

const isLong = process.env.HOLDFAST_LONG === '1';
const ROUNDS = isLong ? 30 : 4;
/** At local; over 30 kills more than 100 000. */
const LOCAL_BEFORE_KILL = isLong ? 3400 : 400;
const READS_AT_ONCE = 1000;
const WRITERS = 16;
const LAG_MS = 40;
const ASYNC_LAG_MS = 120;
const ASYNC_LAG_BYTES = 65_536;

const FLAGS = {
  asyncLagMsMax: ASYNC_LAG_MS,
  asyncLagBytesMax: ASYNC_LAG_BYTES,
  // Two lags make a round trip; a dead primary is found by its closed sockets, not by this.
  electionTimeoutMs: 1000,
};

/** All that any node lists, each id once; entries of equal id must be equal. */
async function listed(cluster: ProcessCluster): Promise<Map<string, PrintedDivergence>> {
  const found = new Map<string, PrintedDivergence>();
  for (const id of cluster.running) {
    const { diverged } = (await cluster.get(id, '/v1/divergence')) as { diverged: { id: string }[] };
    for (const summary of diverged) {
      const entry = (await cluster.get(id, `/v1/divergence/${summary.id}`)) as PrintedDivergence;
      const other = found.get(entry.id);
      if (other === undefined) found.set(entry.id, entry);
      else expect(entry).toEqual(other);
    }
  }
  return found;
}

function listedIn(writes: Iterable<PrintedWrite>, isReapplied = false): ListedMutation[] {
  return [...writes].flatMap(({ name, mutations }) =>
    mutations.map(({ key, value, revision }) => ({
      id: name,
      key: textOf(key),
      value: value === undefined ? undefined : textOf(value),
      revision,
      isReapplied,
    })),
  );
}

/** Writers that put fresh keys until told to stop, one in four of them at quorum. */
class Load {
  acknowledged = 0;
  acknowledgedAtLocal = 0;
  underWay = 0;
  /** Of every acknowledged write, by key. */
  readonly revisions: Map<string, number> = new Map();
  readonly #client: Holdfast<string, string>;
  readonly #accounting: Accounting;
  readonly #name: string;
  #next = 0;
  #stopped = false;
  readonly #done: Promise<unknown>;

  constructor(client: Holdfast<string, string>, accounting: Accounting, name: string) {
    this.#client = client;
    this.#accounting = accounting;
    this.#name = name;
    this.#done = Promise.all(
      Array.from({ length: WRITERS }, (_, writer) => this.#run(writer % 4 === 0 ? 'quorum' : 'local')),
    );
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    await this.#done;
  }

  async #run(ack: 'local' | 'quorum'): Promise<void> {
    while (!this.#stopped) {
      const number = this.#next++;
      const key = `${this.#name}/${ack}/${number}`;
      const value = `${number}`.padEnd(100, 'x');
      const write = this.#accounting.write({ key, value });
      this.underWay += 1;
      try {
        const receipt = await this.#client.write([{ type: 'put', key, value }], { ack });
        write.acknowledged(receipt);
        this.revisions.set(key, receipt.revision);
        this.acknowledged += 1;
        if (receipt.ack === 'local') this.acknowledgedAtLocal += 1;
      } catch (error) {
        if (!(error instanceof HoldfastError)) throw error;
        if (error.outcome === 'not-applied') write.failed();
        else write.unknown();
      } finally {
        this.underWay -= 1;
      }
    }
  }
}

async function everything(client: Holdfast<string, string>): Promise<Map<string, string>> {
  const found = new Map<string, string>();
  for await (const [key, value] of client.iterator({ consistency: 'linearizable' })) found.set(key, value);
  return found;
}

/** What the command line says of each listed write. */
async function reapplyAll(cluster: ProcessCluster): Promise<Map<string, string>> {
  const urls = cluster.ids.map((id) => `ws://127.0.0.1:${cluster.port(id)}`).join(',');
  let printed = '';
  const stdout = {
    write: (text: string | Uint8Array, done?: () => void) => {
      printed += String(text);
      done?.();
    },
    on: () => undefined,
  };
  const given = ['divergence', 'reapply', '--all', '--json', '--url', urls];
  expect(await run(given, { program: 'holdfast', directory: '/', env: {}, stdout })).toBe(EXIT.refused);
  const results = printed
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as { id: string; write: number; result: string });
  return new Map(results.map(({ id, write, result }) => [`${id}/${write}`, result]));
}

/** In parallel, since accounting asks one key after the other. */
async function readAll(
  client: Holdfast<string, string>,
  keys: readonly string[],
): Promise<Map<string, FoundValue | undefined>> {
  const values = new Map<string, FoundValue | undefined>();
  for (let first = 0; first < keys.length; first += READS_AT_ONCE) {
    const part = keys.slice(first, first + READS_AT_ONCE);
    const read = await Promise.all(part.map((key) => client.read(key, { consistency: 'linearizable' })));
    for (const [position, key] of part.entries()) values.set(key, read[position]!);
  }
  return values;
}

async function compare(
  accounting: Accounting,
  client: Holdfast<string, string>,
  diverged: Iterable<ListedMutation>,
): ReturnType<Accounting['compare']> {
  const keys = [...(await everything(client)).keys()].filter((key) => !key.startsWith('\u0000'));
  const values = await readAll(client, keys);
  return await accounting.compare({ read: (key) => values.get(key), diverged });
}

/**
 * Requests that were lost, and those whose client was never answered and has repeated them at the new primary:
 * such an attempt is listed under a revision that nobody was told, and what was told is found.
 */
function partition(
  entries: Iterable<PrintedDivergence>,
  revisions: ReadonlyMap<string, number>,
): { lost: PrintedWrite[]; attempts: PrintedWrite[] } {
  const { lost = [], attempts = [] } = Object.groupBy([...entries].flatMap(writesOf), ({ mutations }) => {
    const { key, revision } = mutations[0]!;
    const told = revisions.get(textOf(key));
    return told === undefined || told === revision ? 'lost' : 'attempts';
  });
  return { lost, attempts };
}

/** Of its keys and values. */
function bytesOf({ mutations }: PrintedWrite): number {
  return mutations.reduce(
    (sum, { key, value }) => sum + Buffer.byteLength(textOf(key)) + Buffer.byteLength(textOf(value ?? '')),
    0,
  );
}

/**
 * Milliseconds between the first and the last local writes that an office lost: of offices the most. What was admitted in time
 * may have waited for the sync of the entry before, so that the last entry counts for nothing.
 */
function spanOf(entries: readonly PrintedDivergence[]): number {
  const local = entries.filter(({ writes }) =>
    writes.some(({ mutations }) => mutations.some(({ key }) => textOf(key).includes('/local/'))),
  );
  const offices = Object.values(Object.groupBy(local, ({ id }) => id.slice(id.lastIndexOf('.'))));
  const spans = offices.map((office = []) => {
    const times = office.map(({ logTime }) => logTime).sort((left, right) => left - right);
    return (times.at(-2) ?? times[0]!) - times[0]!;
  });
  return Math.max(0, ...spans);
}

// G3, G13.
test(`a failover loses only listed local writes, within the bound, and brings them back once (${ROUNDS} kills)`, async () => {
  const cluster = await ProcessCluster.start({ flags: FLAGS });
  const client = await cluster.client({ ack: 'local', timeoutMs: 20_000 });
  const accounting = new Accounting();
  let roundsWithLoss = 0;
  let acknowledgedAtLocal = 0;
  const most = { ms: 0, bytes: 0 };
  const known = new Set<string>();
  const revisions = new Map<string, number>();
  for (let round = 0; round < ROUNDS; round++) {
    await cluster.orderAll({ lagMs: LAG_MS });
    const load = new Load(client, accounting, `round-${round}`);
    const primary = await cluster.primary();
    await waitUntil('writes', () => load.acknowledgedAtLocal >= LOCAL_BEFORE_KILL);
    expect(load.underWay).toBeGreaterThan(0);
    await cluster.kill(primary);
    const before = load.acknowledged;
    await waitUntil('writes after the kill', () => load.acknowledged > before);
    await load.stop();
    acknowledgedAtLocal += load.acknowledgedAtLocal;
    for (const [key, revision] of load.revisions) revisions.set(key, revision);
    await cluster.orderAll({ lagMs: 0 });
    await cluster.start(primary);
    await cluster.level(cluster.ids);
    for (const id of cluster.ids)
      await cluster.until(id, 'to have judged all', ({ divergence }) => divergence.pending === 0);

    const fresh = [...(await listed(cluster)).values()].filter(({ id }) => !known.has(id));
    for (const { id } of fresh) known.add(id);
    const { lost, attempts } = partition(fresh, revisions);
    console.log(
      `round ${round}: ${load.acknowledged} acknowledged, ${lost.length} lost and ${attempts.length} repeated in ${fresh.length} entries over ${spanOf(fresh).toFixed(0)} ms`,
    );
    expect(fresh.every(({ undecided }) => !undecided)).toBe(true);
    if (lost.length > 0) {
      roundsWithLoss += 1;
      expect(spanOf(fresh)).toBeLessThanOrEqual(ASYNC_LAG_MS);
      // Of each writer one write may be under way beyond the bound.
      const bytes = lost.map(bytesOf);
      const total = bytes.reduce((sum, each) => sum + each, 0);
      expect(total).toBeLessThanOrEqual(ASYNC_LAG_BYTES + WRITERS * Math.max(...bytes));
      most.ms = Math.max(most.ms, spanOf(fresh));
      most.bytes = Math.max(most.bytes, total);
    }
  }
  expect(roundsWithLoss).toBeGreaterThanOrEqual(ROUNDS / 2);
  expect(acknowledgedAtLocal).toBeGreaterThanOrEqual(isLong ? 100_000 : ROUNDS * LOCAL_BEFORE_KILL);

  const { lost, attempts } = partition((await listed(cluster)).values(), revisions);
  const verdict = await compare(accounting, client, listedIn(lost));
  console.log(`${acknowledgedAtLocal} acknowledged at local; ${verdict.lines.at(-1)}`);
  expect(verdict.lines.slice(0, -1)).toEqual([]);
  const { survived, listed: lostAndListed } = verdict.fates;
  expect(verdict.fates).toMatchObject({ lost: 0, twice: 0, overwritten: 0 });
  expect(lostAndListed).toBeGreaterThan(0);
  const { local, quorum, all } = verdict.acknowledged;
  expect(survived + lostAndListed).toBe(local + quorum + all);

  // A key that has changed since: its write stays out.
  const [changed, ...others] = lost;
  const changedKey = textOf(changed!.mutations[0]!.key);
  await client.put(changedKey, 'changed since', { ack: 'quorum' });
  const first = await reapplyAll(cluster);
  expect(first.get(changed!.name)).toBe('conflict');
  expect(await client.get(changedKey, { consistency: 'linearizable' })).toBe('changed since');
  expect(new Set(others.map(({ name }) => first.get(name)))).toEqual(new Set(['reapplied']));
  // The new primary has carried them out.
  for (const { name } of attempts) expect(['conflict', 'survived']).toContain(first.get(name));
  const lostKeys = others.flatMap(({ mutations }) => mutations.map(({ key }) => textOf(key)));
  const broughtBack = await readAll(client, lostKeys);
  const second = await reapplyAll(cluster);
  expect(second.get(changed!.name)).toBe('conflict');
  expect(new Set(others.map(({ name }) => second.get(name)))).toEqual(new Set(['repeated']));
  // Nothing was written a second time.
  expect(await readAll(client, lostKeys)).toEqual(broughtBack);
  await client.del(changedKey, { ack: 'quorum' });

  const after = await compare(accounting, client, [...listedIn([changed!]), ...listedIn(others, true)]);
  console.log(after.lines.at(-1));
  expect(after.lines.slice(0, -1)).toEqual([]);
  console.log(
    `${ROUNDS} kills, ${acknowledgedAtLocal} writes acknowledged at local: ${survived} of all found, ${lostAndListed} listed, none both and none neither; ` +
      `${roundsWithLoss} kills lost some, at most ${most.bytes} bytes of ${ASYNC_LAG_BYTES} and ${most.ms.toFixed(0)} ms of ${ASYNC_LAG_MS}; ` +
      `${others.length} applied again once, ${attempts.length} attempts of others left alone`,
  );
  await cluster.level(cluster.ids);
});

test('a link slower than the bound makes local writes wait, and loses no more than the bound', async () => {
  const cluster = await ProcessCluster.start({ flags: { ...FLAGS, electionTimeoutMs: 3000 } });
  const client = await cluster.client({ ack: 'local', timeoutMs: 20_000 });
  const accounting = new Accounting();
  const primary = await cluster.primary();
  await client.put('before', 'x', { ack: 'all' });
  // From here on nothing that the primary says comes through for longer than the test takes.
  await cluster.order(primary, { lagMs: 2500 });
  const load = new Load(client, accounting, 'cut');
  let acknowledged = 0;
  let heldBackSince = performance.now();
  await waitUntil('the writers to be held back', () => {
    if (load.acknowledged > acknowledged) heldBackSince = performance.now();
    acknowledged = load.acknowledged;
    return acknowledged > 0 && performance.now() - heldBackSince > 3 * ASYNC_LAG_MS;
  });
  await cluster.kill(primary);
  await waitUntil('writes after the kill', () => load.acknowledged > acknowledged);
  await load.stop();
  await cluster.start(primary);
  await cluster.level(cluster.ids);
  await cluster.until(primary, 'to have judged all', ({ divergence }) => divergence.pending === 0);
  const entries = [...(await listed(cluster)).values()];
  const { lost, attempts } = partition(entries, load.revisions);
  console.log(
    `held back after ${acknowledged} writes; ${lost.length} lost, ${attempts.length} repeated over ${spanOf(entries).toFixed(0)} ms`,
  );
  expect(lost.length).toBe(acknowledged);
  expect(spanOf(entries)).toBeLessThanOrEqual(ASYNC_LAG_MS);
  const verdict = await compare(accounting, client, listedIn(lost));
  expect(verdict.lines.slice(0, -1)).toEqual([]);
});
