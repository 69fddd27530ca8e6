import { HoldfastError, isNodeId } from '@holdfast/types';
import type { HoldfastOptions } from './options.ts';

/** Where a database is, and what its address says of how to use it. */
export interface Location {
  /** `ws://host:port` of nodes: at least one, none twice. */
  readonly seeds: readonly string[];
  readonly database: string;
  readonly settings: Settings;
}

/** Options that an address can carry. */
type SettingName =
  | 'namespace'
  | 'ack'
  | 'consistency'
  | 'readPreference'
  | 'degrade'
  | 'maxStalenessMs'
  | 'whenNoPrimary'
  | 'name'
  | 'timeoutMs'
  | 'openTimeoutMs'
  | 'lazy'
  | 'closeTimeoutMs'
  | 'pendingCallsMax'
  | 'pendingBytesMax';
type Settings = Pick<HoldfastOptions<unknown, unknown>, SettingName>;

const SCHEME = 'holdfast://';
/** hosts / database ? query; the last two may be left out. */
const PATTERN = /^holdfast:\/\/([^/?#]+)(?:\/([^?#]*))?(?:\?([^#]*))?$/;
const PORT = 7101;

const asText = (text: string): string => text;
/** Digits only; what else is wrong with a number its option says. */
const asNumber = (text: string): number => (/^\d+$/.test(text) ? Number(text) : Number.NaN);
/** What else is wrong with it its option says. */
const asFlag = (text: string): string | boolean => (text === 'true' ? true : text === 'false' ? false : text);
const SETTINGS: Readonly<Record<SettingName, (text: string) => string | number | boolean>> = {
  namespace: asText,
  ack: asText,
  consistency: asText,
  readPreference: asText,
  degrade: asText,
  maxStalenessMs: asNumber,
  whenNoPrimary: asText,
  name: asText,
  timeoutMs: asNumber,
  openTimeoutMs: asNumber,
  lazy: asFlag,
  closeTimeoutMs: asNumber,
  pendingCallsMax: asNumber,
  pendingBytesMax: asNumber,
};

/**
 * One or several comma-separated lists of `ws://host:port`, or one
 * `holdfast://host[:port][,host[:port]…][/database][?option=value[&…]]`. Throws HOLDFAST_INVALID_ARGUMENT.
 */
export function parseLocation(location: string | readonly string[]): Location {
  const parts: readonly unknown[] = typeof location === 'string' ? [location] : location;
  for (const part of parts) {
    if (typeof part !== 'string') throw invalidLocation(String(part), EXPECTED);
    if (!part.trim().startsWith(SCHEME)) continue;
    if (parts.length > 1) throw invalidLocation(part, `${SCHEME} on its own: it names all nodes`);
    return parseHoldfast(part.trim());
  }
  const seeds = (parts as readonly string[])
    .flatMap((part) => part.split(','))
    .map((text) => text.trim())
    .filter((text) => text !== '')
    .map(parseSeed);
  if (seeds.length === 0) throw invalidLocation('', EXPECTED);
  return { seeds: [...new Set(seeds)], database: 'default', settings: {} };
}

const EXPECTED = `ws://host:port, several separated by commas, or ${SCHEME}host:port,…/database`;

function parseSeed(text: string): string {
  if (!URL.canParse(text)) throw invalidLocation(text, EXPECTED);
  const url = new URL(text);
  const plain = url.search === '' && url.hash === '' && url.username === '' && url.password === '';
  if ((url.protocol !== 'ws:' && url.protocol !== 'wss:') || !plain) throw invalidLocation(text, EXPECTED);
  return `${url.protocol}//${url.host}${url.pathname.replace(/\/+$/, '')}`;
}

function parseHoldfast(text: string): Location {
  const [, hosts, database = '', query = ''] = PATTERN.exec(text) ?? [];
  if (hosts === undefined) throw invalidLocation(text, EXPECTED);
  const name = database === '' ? 'default' : decoded(text, database);
  if (!isNodeId(name)) throw invalidLocation(text, 'the name of a database');
  const seeds = hosts.split(',').map((host) => parseHost(text, host));
  return { seeds: [...new Set(seeds)], database: name, settings: parseQuery(text, query) };
}

function parseHost(text: string, host: string): string {
  // A bracket closes an IPv6 address, whose colons are no ports.
  const url = `ws://${/:\d+$/.test(host.slice(host.lastIndexOf(']') + 1)) ? host : `${host}:${PORT}`}`;
  if (host.includes('@') || !URL.canParse(url))
    throw invalidLocation(text, 'host or host:port between commas');
  return `ws://${new URL(url).host}`;
}

function parseQuery(text: string, query: string): Settings {
  const settings: Record<string, string | number | boolean> = {};
  for (const pair of query.split('&')) {
    if (pair === '') continue;
    const [name = '', value = ''] = pair.split(/=(.*)/s, 2).map((part) => decoded(text, part));
    if (!Object.hasOwn(SETTINGS, name)) {
      throw invalidLocation(text, `of options only ${Object.keys(SETTINGS).join(', ')}; not ${name}`);
    }
    if (Object.hasOwn(settings, name)) throw invalidLocation(text, `${name} once`);
    settings[name] = SETTINGS[name as SettingName](value);
  }
  return settings;
}

function decoded(text: string, part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    throw invalidLocation(text, `percent-encoded UTF-8, not ${part}`);
  }
}

function invalidLocation(text: string, expected: string): HoldfastError {
  return new HoldfastError(
    'HOLDFAST_INVALID_ARGUMENT',
    `not a location: ${JSON.stringify(text)}; expected ${expected}`,
  );
}
