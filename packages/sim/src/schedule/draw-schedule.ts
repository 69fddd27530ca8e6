import { FAULT_TYPES, type FaultKind } from '../faults/fault-types.ts';
import { between, logUniform, pick } from '../run/draw.ts';
import { SimRandom } from '../sim-random.ts';
import { drawCalls, drawClearingCalls, drawExpiringCalls, drawFurther } from './draw-calls.ts';
import { drawHoldings } from './draw-holdings.ts';
import { drawLeases } from './draw-leases.ts';
import { triggerDrawer } from './draw-triggers.ts';
import { drawWatches } from './draw-watches.ts';
import { drawScenario, type Scenario } from './scenario.ts';
import type { ClientPlan, ClusterSetup, PlannedFault, Schedule } from './schedule.ts';

/** Share of the runs in which faults begin before the cluster has formed. */
const EARLY_SHARE = 0.2;
/** Share of those in which clients watch as well. */
const WATCHED_SHARE = 0.4;
/** And of those in which they take locks, and of those in which they keep leases. */
const LOCKING_SHARE = 0.3;
const LEASING_SHARE = 0.3;
/** Share of those in which a clear takes several pieces, however few its keys are; and of the clients that clear often. */
const PIECES_SHARE = 0.5;
const CLEARING_SHARE = 0.4;
/** Of the clusters of seven, those that have six. */
const SIX_SHARE = 0.4;
/** Share of the runs with little room for what is not applied yet, in the queue of a primary, and on the way to a peer. */
const LITTLE_ROOM_SHARE = 0.15;
/** Least that a configuration may say. */
const ROOM_BYTES_MIN = 1024;
const ROOM_BYTES_MAX = 8192;
/** Share of the runs in which clocks go at paces of their own: up to so many times faster than time, and slower. */
const OWN_PACES_SHARE = 0.15;
const CLOCK_SPREAD_MAX = 2;
/** Of those of clients that hold locks or leases: all clocks are then alike enough for what they were promised. */
const HOLDER_SPREAD_MAX = 1.03;
/** What becomes of those that are not needed in the end; undefined: they are down. */
const RESTS = [undefined, undefined, undefined, 'cut', 'unheard', 'deaf'] as const;

/** A run with a focus is short, and its clients are few and slow: it costs a fifth of another one. */
const FOCUS_MS = 1500;
const FOCUS_NODES = 3;
const FOCUS_PER_SECOND = 2;
const FOCUS_CLIENTS_MAX = 3;
const FOCUS_THINK_MS = 60;

/**
 * The run that a seed stands for. It is another one whenever what is drawn here changes. `focus`: it is short, and has
 * these kinds of fault only, and often.
 */
export function drawSchedule(seed: number, focus?: readonly FaultKind[]): Schedule {
  const random = new SimRandom(seed);
  const drawn = drawScenario(random.named('scenario'));
  const scenario = focus === undefined ? drawn : focusedOn(focus, drawn);
  const { workMs } = scenario;
  const inPieces = withPieces(random.named('pieces'), scenario.cluster);
  const withRoom = withLittleRoom(random.named('room'), withSix(random.named('six'), inPieces));
  const ofNodes = withOwnPaces(random.named('paces'), withRoom);
  const takesLocks = random.named('locks').next() < LOCKING_SHARE;
  const keepsLeases = random.named('leases').next() < LEASING_SHARE;
  const spreadMax = takesLocks || keepsLeases ? HOLDER_SPREAD_MAX : CLOCK_SPREAD_MAX;
  const cluster = withPacesOfClients(random.named('paces of clients'), ofNodes, spreadMax);
  const nodes = names('n', cluster.nodes);
  const clients = names('c', scenario.clients);
  const scene = { nodes, clients, hosts: [...nodes, ...clients] };
  const faults: PlannedFault[] = [];
  const drawTrigger = triggerDrawer(random.named('triggers'));
  for (const [kind, perSecond] of scenario.faultsPerSecond) {
    const ofKind = random.named(`fault ${kind}`);
    for (const atMs of moments(ofKind, perSecond, workMs))
      faults.push(drawTrigger({ atMs, ...FAULT_TYPES[kind].draw(ofKind, scene) }));
  }
  const isWatched = random.named('watches').next() < WATCHED_SHARE;
  faults.sort((one, other) => one.atMs - other.atMs);
  const rest = pick(random.named('rest'), RESTS);
  return {
    seed,
    cluster,
    workMs,
    startsEarly: random.named('start').next() < EARLY_SHARE,
    faults,
    clients: clients.map((host): ClientPlan => {
      const threads = names('thread ', scenario.callsAtOnce).map((name) =>
        drawFurther(
          random.named(`${host} ${name} further`),
          drawCalls(random.named(`${host} ${name}`), scenario),
        ),
      );
      threads.push(drawExpiringCalls(random.named(`${host} expiring`), scenario));
      const ofClears = random.named(`${host} clearing`);
      if (ofClears.next() < CLEARING_SHARE) threads.push(drawClearingCalls(ofClears, scenario));
      const watches = isWatched ? drawWatches(random.named(`${host} watches`), scenario) : [];
      const holdings = takesLocks ? drawHoldings(random.named(`${host} holdings`), scenario) : [];
      const leases = keepsLeases ? drawLeases(random.named(`${host} leases`), scenario) : [];
      return {
        host,
        threads,
        ...(watches.length === 0 ? {} : { watches }),
        ...(holdings.length === 0 ? {} : { holdings }),
        ...(leases.length === 0 ? {} : { leases }),
      };
    }),
    majority: drawMajority(random.named('majority'), nodes),
    ...(rest === undefined ? {} : { rest }),
  };
}

function focusedOn(kinds: readonly FaultKind[], scenario: Scenario): Scenario {
  const faultsPerSecond = new Map(
    kinds.map((kind) => [kind, Math.max(FOCUS_PER_SECOND, FAULT_TYPES[kind].perSecond[1])]),
  );
  const { cluster, clients, thinkMsMax, ...rest } = scenario;
  return {
    ...rest,
    cluster: { ...cluster, nodes: cluster.nodes > FOCUS_NODES ? 2 * FOCUS_NODES - 1 : FOCUS_NODES },
    clients: Math.min(clients, FOCUS_CLIENTS_MAX),
    thinkMsMax: Math.max(thinkMsMax, FOCUS_THINK_MS),
    workMs: FOCUS_MS,
    faultsPerSecond,
  };
}

/** As many as can be lost of five, and one more that a majority needs. */
function withSix(random: SimRandom, cluster: ClusterSetup): ClusterSetup {
  return cluster.nodes === 7 && random.next() < SIX_SHARE ? { ...cluster, nodes: 6 } : cluster;
}

function withPieces(random: SimRandom, cluster: ClusterSetup): ClusterSetup {
  if (random.next() >= PIECES_SHARE) return cluster;
  return { ...cluster, limits: { ...cluster.limits, clearKeysMax: 1 } };
}

/** A standby has room for what its cache of the log may hold besides, which is little as well then. */
function withLittleRoom(random: SimRandom, cluster: ClusterSetup): ClusterSetup {
  const rooms = [
    ['unappliedBytesMax', 'logCacheBytesMax'],
    ['admitQueueBytesMax'],
    ['peerWindowBytes'],
  ] as const;
  const limits: Record<string, number> = {};
  for (const names of rooms) {
    const bytes = Math.ceil(logUniform(random, ROOM_BYTES_MIN, ROOM_BYTES_MAX));
    if (random.next() < LITTLE_ROOM_SHARE) for (const name of names) limits[name] = bytes;
  }
  return { ...cluster, limits: { ...cluster.limits, ...limits } };
}

/** Somebody's clock is far off: a broken quartz, a virtual machine that is held up. */
function withOwnPaces(random: SimRandom, cluster: ClusterSetup): ClusterSetup {
  const clockSpread = between(random, 1.1, CLOCK_SPREAD_MAX);
  return random.next() < OWN_PACES_SHARE ? { ...cluster, clockSpread } : cluster;
}

/** As often, in runs of their own. */
function withPacesOfClients(random: SimRandom, cluster: ClusterSetup, spreadMax: number): ClusterSetup {
  const clientClockSpread = logUniform(random, 1.001, spreadMax);
  return random.next() < OWN_PACES_SHARE ? { ...cluster, clientClockSpread } : cluster;
}

/** For people. */
export function describeSchedule({ cluster, clients, workMs, faults }: Schedule): string {
  const counts = new Map<FaultKind, number>();
  for (const { kind } of faults) counts.set(kind, (counts.get(kind) ?? 0) + 1);
  const calls = clients.flatMap(({ threads }) => threads).reduce((sum, { length }) => sum + length, 0);
  return (
    `${cluster.nodes} nodes, ${clients.length} clients with up to ${calls} calls, ${(workMs / 1000).toFixed(1)} s of ` +
    `${[...counts].map(([kind, count]) => `${kind} ${count}`).join(', ') || 'no faults'}`
  );
}

function names(letter: string, count: number): string[] {
  return Array.from({ length: count }, (_, place) => `${letter}${place + 1}`);
}

function* moments(random: SimRandom, perSecond: number, untilMs: number): Generator<number> {
  for (let atMs = 0; ; ) {
    atMs += (-Math.log(1 - random.next()) / perSecond) * 1000;
    if (atMs >= untilMs) return;
    yield Math.round(atMs * 1000) / 1000;
  }
}

function drawMajority(random: SimRandom, nodes: readonly string[]): string[] {
  const least = Math.floor(nodes.length / 2) + 1;
  const size = least + Math.floor(random.next() * (nodes.length - least + 1));
  const drawn = nodes.map((node) => ({ node, order: random.next() }));
  drawn.sort((one, other) => one.order - other.order);
  return drawn.slice(0, size).map(({ node }) => node);
}
