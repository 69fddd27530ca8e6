export { Wal, type WalOptions, type WalStats } from './wal.ts';
