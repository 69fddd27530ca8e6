import type { HoldfastError } from '@holdfast/types';

/** WebSocket close codes of the node's links, with what each tells the other side. */
export const CLOSE_CODES = {
  invalidMessage: 4000,
  versionMismatch: 4001,
  wrongCluster: 4002,
  notWelcome: 4003,
  /** A newer link of the same node took its place. */
  replaced: 4004,
  silent: 4005,
  overflow: 4006,
  handshakeTimeout: 4007,
  tooMany: 4008,
  stopping: 4009,
  /** The cluster has not formed, or this node is still starting. */
  notReady: 4010,
  done: 1000,
} as const;

/** For what came in and could not be read. */
export function closeCodeOf({ code }: HoldfastError): number {
  return code === 'HOLDFAST_VERSION_MISMATCH' ? CLOSE_CODES.versionMismatch : CLOSE_CODES.invalidMessage;
}
