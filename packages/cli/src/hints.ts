import { HoldfastError } from '@holdfast/types';

/** What to do about an error, in one line; undefined where the sentence says it all. */
export function hintFor(error: unknown, command: string): string | undefined {
  if (!(error instanceof HoldfastError)) return undefined;
  switch (error.code) {
    case 'HOLDFAST_NO_PRIMARY':
    case 'HOLDFAST_NOT_READY':
    case 'HOLDFAST_NOT_PRIMARY':
      return `${command} status shows which nodes are up; a majority of them must be.`;
    case 'HOLDFAST_DEADLINE_EXCEEDED':
    case 'HOLDFAST_OUTCOME_UNKNOWN':
      return error.outcome === 'unknown'
        ? 'It may have been written: read before you repeat it, or repeat it with --if-revision.'
        : `Nothing was written. Try a longer --timeout; ${command} status shows the nodes.`;
    case 'HOLDFAST_ACK_NOT_REACHED':
      return `It is written and stays. ${command} status shows which node is behind.`;
    case 'HOLDFAST_CONFLICT':
      return error.detail === undefined
        ? 'Nothing was written. Read the key again and decide anew.'
        : `Nothing was written: the key ${error.detail === 0 ? 'is not there' : `has revision ${error.detail}`}.`;
    case 'HOLDFAST_NOT_AN_INTEGER':
      return `Use another key, or put a whole number there first.`;
    case 'HOLDFAST_SESSION_DIVERGED':
      return `${command} divergence list shows what a failover took away.`;
    case 'HOLDFAST_TOO_STALE':
      return 'Ask for less, or read with --consistency linearizable.';
    case 'HOLDFAST_OVERLOADED':
    case 'HOLDFAST_CLIENT_QUEUE_FULL':
      return 'Wait a little and try again; send less at once.';
    case 'HOLDFAST_DISK_FULL':
      return 'Free space on the disk of the primary; it goes on by itself.';
    case 'HOLDFAST_DISK_FAILED':
      return 'Check the disk, then start the node again.';
    case 'HOLDFAST_REQUEST_TOO_LARGE':
      return 'Split it into several batches.';
    case 'HOLDFAST_SWITCHOVER_FAILED':
      return `${command} status shows how far behind each standby is.`;
    case 'HOLDFAST_DIVERGENCE_NOT_FOUND':
      return `${command} divergence list shows the ids.`;
    case 'HOLDFAST_INVALID_CONFIGURATION':
      return `${command} config shows what is in force and where each value came from.`;
    case 'HOLDFAST_PORT_IN_USE':
      return 'Stop the other process, or choose another port with --listen.';
    case 'HOLDFAST_DATA_DIRECTORY_UNUSABLE':
      return 'Check that the path is right and that you may write there.';
    case 'HOLDFAST_CORRUPT_LOG':
    case 'HOLDFAST_NODE_REPLACED':
    case 'HOLDFAST_DISK_WENT_BACK':
      return 'Keep a copy of the directory; the node must be replaced.';
    default:
      return undefined;
  }
}

/** The error that says most: abstract-level wraps what kept a database from opening. */
export function rootOf(error: unknown): unknown {
  let current = error;
  while (current instanceof Error && !(current instanceof HoldfastError) && current.cause instanceof Error) {
    current = current.cause;
  }
  return current;
}

/** `CODE: sentence`, never a stack. */
export function describeError(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const code = 'code' in error && typeof error.code === 'string' ? error.code : 'FAILED';
  return `${code}: ${error.message}`;
}
