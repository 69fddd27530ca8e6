export type { LogBase } from './log-state.ts';
export { type SegmentScan, scanSegment } from './segment-scan.ts';
export { Wal, type WalOptions, type WalStats } from './wal.ts';
