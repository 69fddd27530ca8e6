import { type AllDown, allDown } from './all-down.ts';
import { type Break, breakLinks } from './break.ts';
import { type Coup, coup } from './coup.ts';
import { type DroppedEntries, droppedEntries } from './dropped-entries.ts';
import { type Duel, duel } from './duel.ts';
import { type FailedEntry, failedEntry } from './failed-entry.ts';
import { type FailedOperation, failedOperation } from './failed-operation.ts';
import { type FailedSync, failedSync } from './failed-sync.ts';
import type { FaultType } from './fault-type.ts';
import type { FaultWorld } from './fault-world.ts';
import { type Freeze, freeze } from './freeze.ts';
import { type FullDisk, fullDisk } from './full-disk.ts';
import { type HalfMessage, halfMessage } from './half-message.ts';
import { type HeavyTail, heavyTail } from './heavy-tail.ts';
import { type IsolatePrimary, isolatePrimary } from './isolate-primary.ts';
import { type Kill, kill } from './kill.ts';
import { type KillAtOperation, killAtOperation } from './kill-at-operation.ts';
import { type LostAnswer, lostAnswer } from './lost-answer.ts';
import { type Mesh, mesh } from './mesh.ts';
import { type NoRoom, noRoom } from './no-room.ts';
import { type OneWay, oneWay } from './one-way.ts';
import { type Partition, partition } from './partition.ts';
import { type PowerOff, powerOff } from './power-off.ts';
import { type PutBack, putBack } from './put-back.ts';
import { type Repeats, repeats } from './repeats.ts';
import { type SlowDisk, slowDisk } from './slow-disk.ts';
import { type SlowLink, slowLink } from './slow-link.ts';
import { type Stall, stall } from './stall.ts';
import { type StoreDamage, storeDamage } from './store-damage.ts';
import { type Succession, succession } from './succession.ts';
import { type Switchover, switchover } from './switchover.ts';
import { type Swizzle, swizzle } from './swizzle.ts';
import { type UnreadableLog, unreadableLog } from './unreadable-log.ts';
import { type WalDamage, walDamage } from './wal-damage.ts';
import { type WallClock, wallClock } from './wall-clock.ts';
import { type Wipe, wipe } from './wipe.ts';

/** A new kind: a file beside this one, a line here and one in `FAULT_TYPES`. */
export type Fault =
  | Stall
  | Break
  | Partition
  | IsolatePrimary
  | OneWay
  | Kill
  | PowerOff
  | AllDown
  | Freeze
  | SlowDisk
  | FullDisk
  | WallClock
  | Switchover
  | KillAtOperation
  | FailedSync
  | WalDamage
  | StoreDamage
  | Wipe
  | PutBack
  | Duel
  | FailedOperation
  | Repeats
  | Mesh
  | Swizzle
  | Coup
  | Succession
  | NoRoom
  | LostAnswer
  | FailedEntry
  | UnreadableLog
  | DroppedEntries
  | HeavyTail
  | SlowLink
  | HalfMessage;

export type FaultKind = Fault['kind'];

/** In this order their rates are drawn. */
export const FAULT_TYPES: { readonly [Kind in FaultKind]: FaultType<Extract<Fault, { kind: Kind }>> } = {
  stall,
  break: breakLinks,
  partition,
  isolatePrimary,
  oneWay,
  kill,
  powerOff,
  allDown,
  freeze,
  slowDisk,
  fullDisk,
  wallClock,
  switchover,
  killAtOperation,
  failedSync,
  walDamage,
  storeDamage,
  wipe,
  putBack,
  duel,
  failedOperation,
  repeats,
  mesh,
  swizzle,
  coup,
  succession,
  noRoom,
  lostAnswer,
  failedEntry,
  unreadableLog,
  droppedEntries,
  heavyTail,
  slowLink,
  halfMessage,
};

export const FAULT_KINDS: readonly FaultKind[] = Object.keys(FAULT_TYPES) as FaultKind[];

export function inflict(fault: Fault, world: FaultWorld): void {
  const type: FaultType<Fault> = FAULT_TYPES[fault.kind];
  type.inflict(fault, world);
}
