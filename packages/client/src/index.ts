export {
  type Ack,
  type Consistency,
  type ErrorCode,
  HoldfastError,
  type Outcome,
  type Topology,
} from '@holdfast/types';
export { type Divergence, Holdfast, type ReadSummary, type WriteSummary } from './holdfast.ts';
export { NAMESPACE_TAG } from './keys/namespace-keys.ts';
export { LevelError, type LevelErrorCode } from './level-error.ts';
export type {
  CallOptions,
  HoldfastBatchOptions,
  HoldfastChainedBatch,
  HoldfastClearOptions,
  HoldfastDelOptions,
  HoldfastGetManyOptions,
  HoldfastGetOptions,
  HoldfastHasManyOptions,
  HoldfastHasOptions,
  HoldfastIteratorOptions,
  HoldfastKeyIteratorOptions,
  HoldfastOptions,
  HoldfastPutOptions,
  HoldfastReadOptions,
  HoldfastValueIteratorOptions,
  HoldfastWriteOptions,
  ReadCallOptions,
  WriteCallOptions,
} from './options.ts';
export type { Seams } from './seams.ts';
