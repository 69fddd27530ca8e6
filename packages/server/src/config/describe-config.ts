import { type ReadConfig, votersOf } from './load-config.ts';
import { OPTION_KEYS, type OptionKey, type OptionValues } from './options.ts';
import { hostOf } from './values.ts';

export interface ConfigLine {
  readonly key: string;
  /** As it could be written in a flag; empty: not set. */
  readonly value: string;
  readonly origin: string;
}

/** What is in force, and where each value came from, in the order of the options. */
export function describeConfig({ values, origins }: ReadConfig): ConfigLine[] {
  return OPTION_KEYS.map((key) => ({ key, value: written(key, values), origin: origins[key] ?? 'not set' }));
}

function written(key: OptionKey, values: OptionValues): string {
  switch (key) {
    case 'listen':
      return values.listen === undefined ? '' : `${hostOf(values.listen.host)}:${values.listen.port}`;
    case 'peers':
      return votersOf(values)
        .map((peer) => `${peer.id}=${peer.url}`)
        .join(',');
    case 'allowedOrigins':
    case 'allowedHosts':
      return (values[key] ?? []).join(',');
    default:
      return String(values[key] ?? '');
  }
}
