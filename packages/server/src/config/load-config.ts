import type { CoreTiming } from '@holdfast/core';
import { HoldfastError } from '@holdfast/types';
import type { NodeConfig, NodeLimits, PeerAddress } from './node-config.ts';
import {
  environmentNameOf,
  flagOf,
  LIMIT_KEYS,
  OPTION_KEYS,
  OPTIONS,
  type OptionKey,
  type OptionValues,
  TIMING_KEYS,
} from './options.ts';
import { urlOf } from './values.ts';

export interface ConfigSources {
  /** By key in camelCase, as written or already a value; undefined: not given. */
  readonly flags?: Readonly<Record<string, unknown>>;
  /** Variables whose value is empty count as not set. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** A JSON object of options by key. */
  readonly file?: { readonly path: string; readonly text: string };
}

/** What each option is set to, and where its value came from. */
export interface ReadConfig {
  /** Undefined where none was given and there is no default, or where what was given is wrong. */
  readonly values: OptionValues;
  /** By key: `flag --listen`, `environment HOLDFAST_LISTEN`, `file /etc/holdfast.json`, `default`, `not set`. */
  readonly origins: Readonly<Record<string, string>>;
}

/** A configuration that a node can run with. */
export interface LoadedConfig extends ReadConfig {
  readonly config: NodeConfig;
}

interface Given {
  readonly written: unknown;
  readonly origin: string;
  /** How a person would find it: `--listen`, `HOLDFAST_LISTEN`, `listen in /etc/holdfast.json`. */
  readonly name: string;
}

/**
 * Flags win over the environment, that over the file, that over the defaults.
 * Throws HOLDFAST_INVALID_CONFIGURATION with a line for every problem, not only the first.
 */
export function loadConfig(sources: ConfigSources): LoadedConfig {
  const { problems, ...read } = readConfig(sources);
  const { id, data, ...rest } = read.values;
  if (problems.length > 0 || id === undefined || data === undefined) throw configRefusal(problems);
  return { ...read, config: assemble({ ...rest, id, data }) };
}

/** The same with the problems beside what could be understood: to show somebody who looks for a mistake. */
export function readConfig(sources: ConfigSources): ReadConfig & { readonly problems: readonly string[] } {
  const problems: string[] = [];
  const file = readFile(sources.file, problems);
  const origins: Record<string, string> = {};
  const names: Record<string, string> = {};
  const values: Record<string, unknown> = {};
  for (const key of OPTION_KEYS) {
    const given = find(key, sources, file);
    origins[key] = given?.origin ?? (OPTIONS[key].byDefault === undefined ? 'not set' : 'default');
    names[key] = given?.name ?? flagOf(key);
    values[key] = given === undefined ? OPTIONS[key].byDefault : readValue(key, given, problems);
  }
  const { id, data } = values as OptionValues;
  if (id === undefined && !wasGiven(origins, 'id')) problems.push(missing('id'));
  if (data === undefined && !wasGiven(origins, 'data')) problems.push(missing('data'));
  checkTogether(values as OptionValues, names, problems);
  return { values: values as OptionValues, origins, problems };
}

function wasGiven(origins: Readonly<Record<string, string>>, key: OptionKey): boolean {
  return origins[key] !== 'not set';
}

function readFile(file: ConfigSources['file'], problems: string[]): Readonly<Record<string, unknown>> {
  if (file === undefined) return {};
  let content: unknown;
  try {
    content = JSON.parse(file.text);
  } catch (cause) {
    problems.push(`${file.path}: not JSON (${cause instanceof Error ? cause.message : 'unreadable'})`);
    return {};
  }
  if (typeof content !== 'object' || content === null || Array.isArray(content)) {
    problems.push(`${file.path}: expected a JSON object of options`);
    return {};
  }
  for (const key of Object.keys(content)) {
    if (!Object.hasOwn(OPTIONS, key)) problems.push(`${key} in ${file.path}: there is no such option`);
  }
  return content as Record<string, unknown>;
}

function find(
  key: OptionKey,
  sources: ConfigSources,
  file: Readonly<Record<string, unknown>>,
): Given | undefined {
  const flag = sources.flags?.[key];
  if (flag !== undefined) return { written: flag, origin: `flag ${flagOf(key)}`, name: flagOf(key) };
  const variable = environmentNameOf(key);
  const fromEnvironment = sources.env?.[variable];
  if (fromEnvironment !== undefined && fromEnvironment !== '') {
    return { written: fromEnvironment, origin: `environment ${variable}`, name: variable };
  }
  if (sources.file !== undefined && Object.hasOwn(file, key)) {
    const { path } = sources.file;
    return { written: file[key], origin: `file ${path}`, name: `${key} in ${path}` };
  }
  return undefined;
}

function readValue(key: OptionKey, given: Given, problems: string[]): unknown {
  const option = OPTIONS[key];
  const read = option.schema.safeParse(given.written);
  if (read.success) return read.data;
  problems.push(`${given.name}: expected ${option.accepts}; got ${shown(given.written)}`);
  return undefined;
}

/** What no option can be judged by alone. Options that failed by themselves are undefined here. */
function checkTogether(
  values: OptionValues,
  names: Readonly<Record<string, string>>,
  problems: string[],
): void {
  const { id, peers, heartbeatMs, electionTimeoutMs } = values;
  if (heartbeatMs !== undefined && electionTimeoutMs !== undefined && electionTimeoutMs < 4 * heartbeatMs) {
    const least = `at least four heartbeats (${flagOf('heartbeatMs')} is ${heartbeatMs}ms, so ${4 * heartbeatMs}ms)`;
    problems.push(`${names.electionTimeoutMs}: expected ${least}; got ${electionTimeoutMs}ms`);
  }
  if (peers === undefined) return;
  const ids = peers.map((peer) => peer.id);
  const repeated = ids.find((each, place) => ids.indexOf(each) !== place);
  if (repeated !== undefined)
    problems.push(`${names.peers}: expected each node once; ${repeated} is named twice`);
  const urls = peers.map((peer) => peer.url);
  const shared = urls.find((each, place) => urls.indexOf(each) !== place);
  if (shared !== undefined)
    problems.push(`${names.peers}: expected one node at each address; two are at ${shared}`);
  if (id !== undefined && !ids.includes(id)) {
    problems.push(`${names.peers}: expected this node, ${id}, among the voters; got ${ids.join(', ')}`);
  }
}

type Complete = Omit<OptionValues, 'id' | 'data'> & { id: NonNullable<OptionValues['id']>; data: string };

/** Every option that has a default has a value by now. */
function assemble(values: Complete): NodeConfig {
  const { id, data, advertise, zone } = values;
  return {
    id,
    listen: values.listen!,
    data,
    peers: votersOf(values),
    ...(advertise === undefined ? {} : { advertise }),
    ...(zone === undefined ? {} : { zone }),
    defaultAck: values.defaultAck!,
    allowedOrigins: values.allowedOrigins!,
    allowedHosts: values.allowedHosts!,
    logLevel: values.logLevel!,
    timing: Object.fromEntries(TIMING_KEYS.map((key) => [key, values[key]!])) as unknown as CoreTiming,
    limits: Object.fromEntries(LIMIT_KEYS.map((key) => [key, values[key]!])) as unknown as NodeLimits,
    segmentBytes: values.segmentBytes!,
  };
}

/** All voters: a node that is told of no others is alone. Empty where not even its own name is known. */
export function votersOf(values: Omit<OptionValues, 'data'>): PeerAddress[] {
  const { id, peers, advertise, listen } = values;
  if (peers !== undefined) return peers;
  if (id === undefined || listen === undefined) return [];
  return [{ id, url: advertise ?? urlOf(reachable(listen)) }];
}

/** Nobody can connect to "every address". */
function reachable(listen: NodeConfig['listen']): NodeConfig['listen'] {
  if (listen.host === '0.0.0.0') return { host: '127.0.0.1', port: listen.port };
  return listen.host === '::' ? { host: '::1', port: listen.port } : listen;
}

function missing(key: OptionKey): string {
  return `${flagOf(key)} (or ${environmentNameOf(key)}): expected ${OPTIONS[key].accepts}; it was not given`;
}

function shown(written: unknown): string {
  const text = JSON.stringify(written) ?? String(written);
  return text.length > 120 ? `${text.slice(0, 120)}…` : text;
}

/** One error with a line for each problem. */
export function configRefusal(problems: readonly string[]): HoldfastError {
  const head =
    problems.length === 1
      ? 'the configuration has a problem'
      : `the configuration has ${problems.length} problems`;
  return new HoldfastError(
    'HOLDFAST_INVALID_CONFIGURATION',
    [head, ...problems.map((each) => `  ${each}`)].join('\n'),
  );
}
