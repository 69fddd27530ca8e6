export { type ConfigLine, describeConfig } from './config/describe-config.ts';
export {
  type ConfigSources,
  configRefusal,
  type LoadedConfig,
  loadConfig,
  type ReadConfig,
  readConfig,
} from './config/load-config.ts';
export type { NodeConfig } from './config/node-config.ts';
export { environmentNameOf, flagOf, OPTION_KEYS, OPTIONS, type OptionKey } from './config/options.ts';
export type { DriverTuning } from './driver/driver-tuning.ts';
export type { NodeEvent } from './events/event-ring.ts';
export type { NodeDigest, NodeResults, NodeStatus } from './http/node-view.ts';
export { Node, type NodeOptions, type NodeSeams } from './node.ts';
export { systemSeams } from './system-seams.ts';
