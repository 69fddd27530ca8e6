export {
  type Ack,
  type Consistency,
  type ErrorCode,
  HoldfastError,
  type Outcome,
  type Topology,
} from '@holdfast/types';
export type { ClientLogger } from './client-log.ts';
export type { Divergence } from './divergence.ts';
export type { ClientEvent, EventFeed, HoldfastEventsOptions } from './events/event-feed.ts';
export type {
  ClientEvents,
  HoldfastEvents,
  LevelEvents,
  WrittenOperation,
} from './events/holdfast-events.ts';
export type { FallbackUse } from './fallbacks.ts';
export { Holdfast } from './holdfast.ts';
export type { HoldfastSublevel } from './holdfast-sublevel.ts';
export type { AbsentSummary, Change, ReadSummary, UpdateSummary } from './keyed-calls.ts';
export { NAMESPACE_TAG } from './keys/namespace-keys.ts';
export type { Lease } from './leases/lease.ts';
export type {
  HoldfastLeaseKeyOptions,
  HoldfastLeaseOptions,
  HoldfastLeasePutOptions,
} from './leases/lease-options.ts';
export { LevelError, type LevelErrorCode } from './level-error.ts';
export type { Election, Leader } from './locks/election.ts';
export type { LeaderWatch } from './locks/leader-watch.ts';
export type { Lock } from './locks/lock.ts';
export type {
  HoldfastCampaignOptions,
  HoldfastElectOptions,
  HoldfastLockOptions,
  HoldfastReleaseOptions,
} from './locks/lock-options.ts';
export type {
  CallOptions,
  Degrade,
  Fallback,
  HoldfastBatchOperation,
  HoldfastBatchOptions,
  HoldfastChainedBatch,
  HoldfastClearOptions,
  HoldfastDelOptions,
  HoldfastExpireOptions,
  HoldfastGetManyOptions,
  HoldfastGetOptions,
  HoldfastHasManyOptions,
  HoldfastHasOptions,
  HoldfastIncrementOptions,
  HoldfastIteratorOptions,
  HoldfastKeyIteratorOptions,
  HoldfastOptions,
  HoldfastPutOptions,
  HoldfastReadOptions,
  HoldfastTtlOptions,
  HoldfastUpdateOptions,
  HoldfastValueIteratorOptions,
  HoldfastWriteOptions,
  ReadCallOptions,
  WriteCallOptions,
} from './options.ts';
export type { BreakerChange } from './resilience/breakers.ts';
export type { LaneLimit, LaneOptions } from './resilience/lane-limits.ts';
export type { BreakerCause, BreakerState } from './resilience/node-breaker.ts';
export type {
  BreakerLimits,
  DegradationLimits,
  HedgeLimits,
  ReleaseLimits,
  RetryLimits,
} from './resilience/resilience-limits.ts';
export type { ClientCounters } from './resilience/tally.ts';
export type { Seams } from './seams.ts';
export type { StaleRead, WhenNoPrimary } from './session/call.ts';
export type { ClientHealth, LaneHealth, NodeHealth } from './session/client-health.ts';
export type { PrimaryChange, Reconnection } from './session/effects.ts';
export type { ReadPreference } from './session/read-routes.ts';
export type {
  HoldfastTransactionOptions,
  Transaction,
  TransactionCondition,
  TransactionStep,
  TransactionStepResult,
  TransactionSummary,
} from './transaction.ts';
export type { Watch } from './watch/watch.ts';
export type {
  HoldfastWatchOptions,
  WatchChange,
  WatchDel,
  WatchEventOf,
  WatchProgress,
  WatchPut,
} from './watch/watch-options.ts';
export type { WriteSummary } from './write-summary.ts';
