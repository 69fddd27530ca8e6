import type { LoadedConfig } from './load-config.ts';
import type { NodeConfig } from './node-config.ts';
import { OPTION_KEYS, type OptionKey } from './options.ts';
import { hostOf } from './values.ts';

export interface ConfigLine {
  readonly key: string;
  /** As it could be written in a flag; empty: not set. */
  readonly value: string;
  readonly origin: string;
}

/** What is in force, and where each value came from, in the order of the options. */
export function describeConfig(loaded: LoadedConfig): ConfigLine[] {
  return OPTION_KEYS.map((key) => ({
    key,
    value: written(key, loaded.config),
    origin: loaded.origins[key] ?? 'not set',
  }));
}

function written(key: OptionKey, config: NodeConfig): string {
  switch (key) {
    case 'listen':
      return `${hostOf(config.listen.host)}:${config.listen.port}`;
    case 'peers':
      return config.peers.map((peer) => `${peer.id}=${peer.url}`).join(',');
    case 'allowedOrigins':
    case 'allowedHosts':
      return config[key].join(',');
    default: {
      const value = { ...config.limits, ...config.timing, ...config }[key];
      return value === undefined ? '' : String(value);
    }
  }
}
