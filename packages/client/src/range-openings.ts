import type { KeyRange } from '@holdfast/types';
import { CallTime } from './call-time.ts';
import type { RangeOpening, RangeRead } from './range-cursor.ts';
import { type ScanCall, SnapshotScanCall } from './session/call.ts';
import type { SnapshotPin } from './snapshot-pin.ts';
import type { Tenant } from './tenant.ts';

/** A range on a snapshot of its own, taken when it is opened. */
export function rangeOfNow(
  tenant: Tenant,
  makeCall: (range: KeyRange, pageSize: number) => ScanCall,
): RangeRead['open'] {
  const writesBefore = tenant.writes;
  return (range, pageSize): RangeOpening => {
    const call = makeCall(range, pageSize);
    return {
      firstPage: tenant.submit(call),
      cancel: () => tenant.abort(call),
      // A snapshot taken again would show what this client has written since.
      mayRepeat: () => tenant.writes === writesBefore,
    };
  };
}

/** A range on a snapshot that is held. */
export function rangeOfSnapshot(tenant: Tenant, pin: SnapshotPin, timeoutMs: number): RangeRead['open'] {
  return (range, pageSize): RangeOpening => {
    let call: SnapshotScanCall | undefined;
    let isCancelled = false;
    const firstPage = pin.read(
      (snapshot) => {
        const deadline = tenant.now() + timeoutMs;
        call = new SnapshotScanCall({ deadline, snapshot, range, pageSize });
        const page = tenant.submit(call);
        if (isCancelled) tenant.abort(call);
        return page;
      },
      new CallTime(tenant.seams, timeoutMs, undefined),
    );
    return {
      firstPage,
      cancel: () => {
        isCancelled = true;
        if (call !== undefined) tenant.abort(call);
      },
      // The snapshot has been read; it itself was taken again before that, if it could be.
      mayRepeat: () => false,
    };
  };
}

/** One that cannot be read. */
export function refusedRange(error: unknown): RangeOpening {
  return { firstPage: Promise.reject(error), cancel: () => undefined, mayRepeat: () => false };
}
