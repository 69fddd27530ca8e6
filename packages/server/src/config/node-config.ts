import type { CoreLimits, CoreTiming } from '@holdfast/core';
import type { Ack, NodeId } from '@holdfast/types';

export const LOG_LEVELS = ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

/** One voter of the static list that a cluster forms with. */
export interface PeerAddress {
  readonly id: NodeId;
  /** ws://host:port, without a path. */
  readonly url: string;
}

export interface ListenAddress {
  readonly host: string;
  /** 0: the system chooses. */
  readonly port: number;
}

/** Bounds of a node: those of its core and those of its sockets. See LIMITS for the defaults. */
export interface NodeLimits extends CoreLimits {
  readonly clientConnectionsMax: number;
  /** A connection that has not said hello by then is closed, milliseconds. */
  readonly handshakeTimeoutMs: number;
  readonly scansPerConnectionMax: number;
  /** Pages of range reads read from the store at once, and those that wait for it; beyond: OVERLOADED. */
  readonly scansRunningMax: number;
  readonly scansWaitingMax: number;
  readonly scanIdleMs: number;
  readonly scanPageBytesMax: number;
  readonly watchesPerConnectionMax: number;
  readonly watchRecentBytesMax: number;
  readonly clientBufferedBytesMax: number;
  readonly peerBufferedBytesMax: number;
  readonly eventRingSize: number;
}

/** Everything that one node is told. Made by `loadConfig`; plain data, checked, with all defaults filled in. */
export interface NodeConfig {
  readonly id: NodeId;
  readonly listen: ListenAddress;
  /** Data directory. */
  readonly data: string;
  /** All voters, this node included, sorted by id. */
  readonly peers: readonly PeerAddress[];
  /** Where clients and peers reach this node if not at its own address in `peers`: ws://host:port. */
  readonly advertise?: string;
  readonly zone?: string;
  /** The level used when neither call nor client names one. */
  readonly defaultAck: Ack;
  /** Values of `Origin` that are accepted, `scheme://host[:port]`. */
  readonly allowedOrigins: readonly string[];
  /** Values of `Host` accepted besides the addresses of this node: `host` (any port) or `host:port`. */
  readonly allowedHosts: readonly string[];
  readonly logLevel: LogLevel;
  readonly timing: CoreTiming;
  readonly limits: NodeLimits;
  /** Size of one file of the write-ahead log. */
  readonly segmentBytes: number;
}
