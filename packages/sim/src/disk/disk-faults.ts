import type { DiskErrorCode } from '@holdfast/types';

export type DiskOperationKind =
  | 'open'
  | 'size'
  | 'read'
  | 'write'
  | 'truncate'
  | 'sync'
  | 'close'
  | 'makeDirectory'
  | 'list'
  | 'rename'
  | 'remove'
  | 'syncDirectory'
  | 'stat'
  | 'freeBytes';

export interface DiskOperation {
  readonly kind: DiskOperationKind;
  readonly path: string;
  /** Bytes asked to be read or written; 0 elsewhere. */
  readonly bytes: number;
}

export interface DiskFault {
  readonly operation: DiskOperationKind | readonly DiskOperationKind[];
  readonly code: DiskErrorCode;
  /** Only operations on paths it holds for; every path by default. */
  readonly path?: string | ((path: string) => boolean);
  /** Matching operations that still succeed before the first failure. */
  readonly after?: number;
  /** How many fail: 1 by default, `Infinity` for good. */
  readonly times?: number;
  /**
   * A failed sync of a directory drops what it was to cover: programs see it, the next sync passes over it, and only a
   * loss of power shows what is there. Without it the next sync covers it.
   */
  readonly drops?: boolean;
  /** Called when one has failed, as whoever asked for it is told. */
  onFailed?(operation: DiskOperation): void;
}

/** Ends an injected fault. */
export interface ArmedFault {
  clear(): void;
}

/** The failures that a test has ordered. */
export class DiskFaults {
  readonly #armed: Set<{ fault: DiskFault; after: number; times: number }> = new Set();

  inject(fault: DiskFault): ArmedFault {
    const armed = { fault, after: fault.after ?? 0, times: fault.times ?? 1 };
    this.#armed.add(armed);
    return { clear: () => this.#armed.delete(armed) };
  }

  /** The fault of this operation, if one is due. Each armed fault counts every operation it matches. */
  next(operation: DiskOperation): DiskFault | undefined {
    let due: DiskFault | undefined;
    for (const armed of this.#armed) {
      if (!matches(armed.fault, operation)) continue;
      if (armed.after > 0) {
        armed.after--;
        continue;
      }
      armed.times--;
      if (armed.times <= 0) this.#armed.delete(armed);
      due ??= armed.fault;
    }
    return due;
  }
}

function matches(fault: DiskFault, operation: DiskOperation): boolean {
  const kinds: readonly DiskOperationKind[] =
    typeof fault.operation === 'string' ? [fault.operation] : fault.operation;
  if (!kinds.includes(operation.kind)) return false;
  if (fault.path === undefined) return true;
  return typeof fault.path === 'string' ? fault.path === operation.path : fault.path(operation.path);
}
