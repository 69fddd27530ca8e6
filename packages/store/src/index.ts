export { classicLevel } from './classic-level.ts';
export type { StoreDigest } from './digest.ts';
export { type DirectoryLock, lockDirectory } from './directory-lock.ts';
export type { DivergedEntry, DivergedMutation, DivergedSummary, DivergedWrite } from './diverged-entry.ts';
export { DivergenceFile, type DivergenceFileOptions } from './divergence-file.ts';
export type { ByteSpan } from './frame-log.ts';
export { type InspectedStore, inspectStore } from './inspect.ts';
export type {
  LevelItem,
  LevelIterator,
  LevelLike,
  LevelLocation,
  LevelOperation,
  LevelRange,
  LevelSnapshot,
} from './level-like.ts';
export type { ScanPage, StoreScan } from './scan.ts';
export type { StoreSnapshot } from './snapshot.ts';
export type { SnapshotReceiver, SnapshotReceiverOptions } from './snapshot-receiver.ts';
export { type OpenedStore, Store, type StoreOptions } from './store.ts';
export type { StoreView } from './view.ts';
