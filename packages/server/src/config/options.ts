import type { CoreTiming } from '@holdfast/core';
import { type Ack, LIMITS, type NodeId } from '@holdfast/types';
import { z } from 'zod';
import {
  type ListenAddress,
  LOG_LEVELS,
  type LogLevel,
  type NodeLimits,
  type PeerAddress,
} from './node-config.ts';
import {
  parseCount,
  parseDuration,
  parseHosts,
  parseListen,
  parseNodeId,
  parseNodeUrl,
  parseOrigins,
  parsePeers,
  parseSize,
  parseText,
} from './values.ts';

const ACKS: readonly Ack[] = ['local', 'quorum', 'all'];

/** One thing a node can be told, under one name: `key` in a file, `--key-in-kebabs`, `HOLDFAST_KEY_IN_CAPITALS`. */
export interface Option<Value> {
  /** What would be accepted, after "expected". */
  readonly accepts: string;
  readonly schema: z.ZodType<Value>;
  /** Absent: the option must be given, or may be left out. */
  readonly byDefault?: Value;
}

function read<Value>(parse: (written: unknown) => Value | undefined): z.ZodType<Value> {
  return z.unknown().transform((written, context): Value => {
    const value = parse(written);
    if (value !== undefined) return value;
    context.addIssue({ code: 'custom', message: 'not understood' });
    return z.NEVER;
  });
}

function option<Value>(accepts: string, schema: z.ZodType<Value>, byDefault?: Value): Option<Value> {
  return byDefault === undefined ? { accepts, schema } : { accepts, schema, byDefault };
}

interface Bounds {
  readonly min: number;
  readonly max: number;
}

function whole(parse: (written: unknown) => number | undefined, bounds: Bounds): z.ZodType<number> {
  return read(parse).pipe(z.number().int().min(bounds.min).max(bounds.max));
}

/** Timers take no more than 2^31 - 1 milliseconds. */
function duration(byDefault: number, bounds: Bounds = { min: 1, max: 2_147_483_647 }): Option<number> {
  const accepts = `a duration from ${bounds.min}ms to ${bounds.max}ms, such as 250ms or 30s`;
  return option(accepts, whole(parseDuration, bounds), byDefault);
}

function size(byDefault: number, bounds: Bounds = { min: 1024, max: 2 ** 40 }): Option<number> {
  const accepts = `a size from ${bounds.min} to ${bounds.max} bytes, such as 65536 or 16MiB`;
  return option(accepts, whole(parseSize, bounds), byDefault);
}

function count(byDefault: number, bounds: Bounds = { min: 1, max: 100_000_000 }): Option<number> {
  const accepts = `a whole number from ${bounds.min} to ${bounds.max}`;
  return option(accepts, whole(parseCount, bounds), byDefault);
}

const TIMING = {
  heartbeatMs: duration(50, { min: 5, max: 60_000 }),
  electionTimeoutMs: duration(400, { min: 20, max: 600_000 }),
  rankStepMs: duration(15, { min: 1, max: 60_000 }),
  preVoteRepeatMs: duration(10, { min: 1, max: 60_000 }),
  persistStallMaxMs: duration(2000, { min: 10, max: 600_000 }),
} satisfies Record<keyof CoreTiming, Option<number>>;

const LIMIT_OPTIONS = {
  entryBytesMax: size(LIMITS.entryBytesMax, { min: 1024, max: LIMITS.peerFrameBytesMax / 4 }),
  entryRequestsMax: count(LIMITS.entryRequestsMax),
  peerWindowEntries: count(LIMITS.peerWindowEntries),
  // What is sent in one turn is one frame.
  peerWindowBytes: size(LIMITS.peerWindowBytes, { min: 1024, max: LIMITS.peerFrameBytesMax / 4 }),
  logCacheBytesMax: size(LIMITS.logCacheBytesMax),
  admitQueueRequestsMax: count(LIMITS.admitQueueRequestsMax),
  admitQueueBytesMax: size(LIMITS.admitQueueBytesMax),
  unappliedBytesMax: size(LIMITS.unappliedBytesMax),
  asyncLagBytesMax: size(LIMITS.asyncLagBytesMax),
  asyncLagMsMax: duration(LIMITS.asyncLagMsMax),
  asyncWaitersMax: count(LIMITS.asyncWaitersMax),
  pendingReadsMax: count(LIMITS.pendingReadsMax),
  shedQueueMs: duration(LIMITS.shedQueueMs),
  shedLoopMs: duration(LIMITS.shedLoopMs),
  sessionWindow: count(LIMITS.sessionWindow),
  sessionResultBytesMax: size(LIMITS.sessionResultBytesMax),
  sessionsMax: count(LIMITS.sessionsMax),
  sessionIdleMs: duration(LIMITS.sessionIdleMs, { min: 1000, max: 2_147_483_647 }),
  expiriesPerEntryMax: count(LIMITS.expiriesPerEntryMax),
  clearKeysMax: count(LIMITS.clearKeysMax),
  clientConnectionsMax: count(LIMITS.clientConnectionsMax),
  handshakeTimeoutMs: duration(LIMITS.handshakeTimeoutMs),
  scansPerConnectionMax: count(LIMITS.scansPerConnectionMax),
  scansRunningMax: count(LIMITS.scansRunningMax),
  scansWaitingMax: count(LIMITS.scansWaitingMax),
  scanIdleMs: duration(LIMITS.scanIdleMs),
  scanPageBytesMax: size(LIMITS.scanPageBytesMax, { min: 1024, max: LIMITS.clientFrameBytesMax / 2 }),
  watchesPerConnectionMax: count(LIMITS.watchesPerConnectionMax),
  watchRecentBytesMax: size(LIMITS.watchRecentBytesMax),
  clientBufferedBytesMax: size(LIMITS.clientBufferedBytesMax),
  // A window and an entry behind it, all sent at once: a link on which that may not wait would be cut again and again.
  peerBufferedBytesMax: size(LIMITS.peerBufferedBytesMax, {
    min: (LIMITS.peerFrameBytesMax * 3) / 4,
    max: 2 ** 40,
  }),
  eventRingSize: count(LIMITS.eventRingSize, { min: 1, max: 1_000_000 }),
} satisfies Record<keyof NodeLimits, Option<number>>;

export const TIMING_KEYS = Object.keys(TIMING) as (keyof CoreTiming)[];
export const LIMIT_KEYS = Object.keys(LIMIT_OPTIONS) as (keyof NodeLimits)[];

interface OwnOptions {
  readonly id: Option<NodeId>;
  readonly listen: Option<ListenAddress>;
  readonly advertise: Option<string>;
  readonly data: Option<string>;
  readonly peers: Option<PeerAddress[]>;
  readonly zone: Option<string>;
  readonly defaultAck: Option<Ack>;
  readonly allowedOrigins: Option<string[]>;
  readonly allowedHosts: Option<string[]>;
  readonly logLevel: Option<LogLevel>;
  readonly segmentBytes: Option<number>;
}

type AllOptions = OwnOptions & Readonly<Record<keyof CoreTiming | keyof NodeLimits, Option<number>>>;

/** In the order in which they are shown. */
export const OPTIONS: AllOptions = {
  id: option('a node id: letters, figures, "_", "." and "-", at most 63', read(parseNodeId)),
  listen: option('host:port, such as 127.0.0.1:7101', read(parseListen), { host: '127.0.0.1', port: 7101 }),
  advertise: option('ws://host:port or host:port', read(parseNodeUrl)),
  data: option('a directory', read(parseText)),
  peers: option(
    'all voters as id=address, such as n1=ws://127.0.0.1:7101,n2=127.0.0.1:7102',
    read(parsePeers),
  ),
  zone: option('a text', read(parseText)),
  defaultAck: option<Ack>('local, quorum or all', z.enum(ACKS), 'quorum'),
  allowedOrigins: option<string[]>(
    'origins as browsers send them, such as https://app.example,http://localhost:3000',
    read(parseOrigins),
    [],
  ),
  allowedHosts: option<string[]>(
    'hosts with or without a port, such as db.example:7101',
    read(parseHosts),
    [],
  ),
  logLevel: option(`one of ${LOG_LEVELS.join(', ')}`, z.enum(LOG_LEVELS), 'info'),
  ...TIMING,
  segmentBytes: size(16_777_216, { min: 65_536, max: 2 ** 30 }),
  ...LIMIT_OPTIONS,
};

export type OptionKey = keyof AllOptions;
export const OPTION_KEYS = Object.keys(OPTIONS) as OptionKey[];

type ValueOf<Entry> = Entry extends Option<infer Value> ? Value : never;
/** Values by key; undefined where none was given and there is no default. */
export type OptionValues = { [Key in OptionKey]: ValueOf<AllOptions[Key]> | undefined };

/** `--election-timeout-ms` */
export function flagOf(key: string): string {
  return `--${key.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
}

/** `HOLDFAST_ELECTION_TIMEOUT_MS` */
export function environmentNameOf(key: string): string {
  return `HOLDFAST_${key.replace(/[A-Z]/g, (letter) => `_${letter}`).toUpperCase()}`;
}
