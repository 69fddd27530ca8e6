import type { Consistency, Random } from '@holdfast/types';
import { between, logUniform, pick } from '../run/draw.ts';
import { isDeleted, isExpiring, KEYS, PLAIN_KEYS, SINGLE_KEYS } from '../workload/keys.ts';
import type { Scenario } from './scenario.ts';
import type {
  PlannedCall,
  PlannedClear,
  PlannedIncrement,
  PlannedRange,
  PlannedRead,
  PlannedRenewal,
  PlannedSnapshot,
  PlannedWrite,
} from './schedule.ts';

const WRITE_SHARE = 0.55;
const ABORTED_SHARE = 0.05;
/** Of the puts at `local`, those of several keys; of the increments, those at `all`. */
const BATCH_SHARE = 0.25;
const ALL_SHARE = 0.25;
const LASTING_KEYS = PLAIN_KEYS.filter((key) => !isExpiring(key));
/** Of the calls on keys that expire. */
const EXPIRING_WRITE_SHARE = 0.7;
/** Of the calls that fill a namespace and clear it. */
const CLEAR_SHARE = 0.3;
const CLEAR: PlannedClear = { kind: 'clear' };
const TTL_MS_MIN = 1;
const TTL_MS_MAX = 3000;
const CONSISTENCIES: readonly Consistency[] = [
  'linearizable',
  'linearizable',
  'session',
  'session',
  'eventual',
];

/** As many calls as one thread can make at most: those that take time of their own leave some of them undone. */
export function drawCalls(random: Random, scenario: Scenario): PlannedCall[] {
  const calls: PlannedCall[] = [];
  const { burstShare } = scenario;
  for (let thoughtMs = 0; ; ) {
    const isAtOnce = random.next() < burstShare;
    const thinkMs = isAtOnce ? 0 : between(random, 0, scenario.thinkMsMax / (1 - burstShare));
    thoughtMs += thinkMs;
    if (thoughtMs > scenario.workMs) return calls;
    const what = random.next() < WRITE_SHARE ? drawWrite(random, scenario) : drawRead(random);
    const abort = random.next() < ABORTED_SHARE ? { abortMs: logUniform(random, 0.5, 300) } : {};
    calls.push({ thinkMs, timeoutMs: logUniform(random, 50, 5000), ...abort, ...what });
  }
}

function drawWrite(random: Random, scenario: Scenario): PlannedWrite | PlannedIncrement | PlannedClear {
  const padding = Math.floor(random.next() ** 3 * scenario.paddingBytesMax);
  const size = padding === 0 ? {} : { padding };
  if (random.next() < scenario.localShare) {
    const key = pick(random, KEYS.locals);
    return { kind: 'write', keys: [key], ack: 'local', ...size, ...del(random, key), ...plain(random, 0.2) };
  }
  const draw = random.next();
  if (draw < 0.25)
    return { kind: 'increment', key: pick(random, KEYS.counters), by: pick(random, [1, 1, 2, 5]) };
  const ack = pick(random, ['quorum', 'quorum', 'quorum', 'all'] as const);
  if (draw < 0.45)
    return { kind: 'write', keys: pick(random, KEYS.pairs), ack, ...size, ...plain(random, 0.4) };
  if (draw < 0.47) return CLEAR;
  if (draw < 0.55)
    return { kind: 'write', keys: [pick(random, KEYS.spaced)], ack, ...size, ...plain(random, 0.4) };
  const key = pick(random, KEYS.registers);
  if (draw < 0.75)
    return { kind: 'write', keys: [key], ack, ...size, onlyIf: random.next() < 0.1 ? 'absent' : 'asSeen' };
  return { kind: 'write', keys: [key], ack, ...size, ...del(random, key), ...plain(random, 0.4) };
}

/** Some of the calls ask for more: drawn apart, so that it changes nothing of what they are otherwise. */
export function drawFurther(random: Random, calls: readonly PlannedCall[]): PlannedCall[] {
  return calls.map((call) => {
    const draw = random.next();
    if (call.kind === 'increment' && draw < ALL_SHARE) return { ...call, ack: 'all' };
    if (call.kind !== 'write' || call.ack !== 'local' || call.isDelete || draw >= BATCH_SHARE) return call;
    const others = KEYS.locals.filter((key) => !call.keys.includes(key));
    const first = Math.floor(random.next() * others.length);
    const count = pick(random, [1, 2]);
    return { ...call, keys: [...call.keys, ...others.slice(first, first + count)] };
  });
}

/** What one more thread does with keys that expire: drawn apart, so that it changes nothing of what the others do. */
export function drawExpiringCalls(random: Random, scenario: Scenario): PlannedCall[] {
  const calls: PlannedCall[] = [];
  for (let thoughtMs = 0; ; ) {
    const thinkMs = between(random, 0, 4 * scenario.thinkMsMax);
    thoughtMs += thinkMs;
    if (thoughtMs > scenario.workMs) return calls;
    const key = pick(random, KEYS.expiring);
    const what = random.next() < EXPIRING_WRITE_SHARE ? drawExpiring(random, key) : drawReadOf(random, key);
    calls.push({ thinkMs, timeoutMs: logUniform(random, 50, 5000), ...what });
  }
}

/** Often renewed about when it is due. */
function drawExpiring(random: Random, key: string): PlannedWrite | PlannedRenewal {
  const ttlMs = Math.floor(logUniform(random, TTL_MS_MIN, TTL_MS_MAX));
  const draw = random.next();
  if (draw < 0.3) return { kind: 'renewal', key, ttlMs };
  if (draw < 0.35) return { kind: 'renewal', key };
  const ack = pick(random, ['local', 'quorum', 'quorum', 'all'] as const);
  const write = { kind: 'write', keys: [key], ack, ...plain(random, 0.4) } as const;
  return draw < 0.45 ? write : { ...write, ttlMs };
}

/** And what one does that fills a namespace and clears it, drawn apart as well. */
export function drawClearingCalls(random: Random, scenario: Scenario): PlannedCall[] {
  const calls: PlannedCall[] = [];
  for (let thoughtMs = 0; ; ) {
    const thinkMs = between(random, 0, 2 * scenario.thinkMsMax);
    thoughtMs += thinkMs;
    if (thoughtMs > scenario.workMs) return calls;
    const what = random.next() < CLEAR_SHARE ? CLEAR : drawSpaced(random);
    calls.push({ thinkMs, timeoutMs: logUniform(random, 50, 5000), ...what });
  }
}

function drawSpaced(random: Random): PlannedWrite {
  return { kind: 'write', keys: [pick(random, KEYS.spaced)], ack: 'quorum', ...plain(random, 0.4) };
}

function drawReadOf(random: Random, key: string): PlannedRead {
  return { kind: 'read', keys: [key], consistency: pick(random, CONSISTENCIES) };
}

function del(random: Random, key: string): { isDelete?: true } {
  return isDeleted(key) && random.next() < 0.3 ? { isDelete: true } : {};
}

function plain(random: Random, share: number): { isPlain?: true } {
  return random.next() < share ? { isPlain: true } : {};
}

function drawRead(random: Random): PlannedRead | PlannedRange | PlannedSnapshot {
  const consistency = pick(random, CONSISTENCIES);
  const draw = random.next();
  if (draw < 0.65) return drawPoint(random, consistency);
  const other = (share: number): { afterOther?: true } =>
    consistency === 'session' && draw < share ? { afterOther: true } : {};
  if (draw < 0.78) return { kind: 'read', keys: pick(random, KEYS.pairs), consistency, ...other(0.69) };
  if (draw < 0.88) return { ...drawSnapshot(random, consistency), ...other(0.81) };
  return {
    kind: 'range',
    consistency,
    ...other(0.92),
    reverse: random.next() < 0.3,
    ...(random.next() < 0.2 ? { isNamespace: true } : {}),
    ...(random.next() < 0.3 ? { pauseMs: logUniform(random, 1, 300) } : {}),
  };
}

function drawPoint(random: Random, consistency: Consistency): PlannedRead {
  const read = { kind: 'read', keys: [pick(random, SINGLE_KEYS)], consistency } as const;
  const draw = random.next();
  if (consistency === 'eventual' && draw < 0.4)
    return { ...read, maxStalenessMs: logUniform(random, 1, 1000) };
  if (consistency === 'session' && draw < 0.3) return { ...read, afterOther: true };
  return consistency !== 'eventual' && draw > 0.7 ? { ...read, mayDegrade: true } : read;
}

function drawSnapshot(random: Random, consistency: Consistency): PlannedSnapshot {
  const count = 2 + Math.floor(random.next() * 3);
  const reads = Array.from({ length: count }, () => {
    const draw = random.next();
    if (draw < 0.3) return 'all';
    return draw < 0.6 ? pick(random, KEYS.pairs) : [pick(random, LASTING_KEYS)];
  });
  return { kind: 'snapshot', consistency, reads, pauseMs: logUniform(random, 1, 300) };
}
