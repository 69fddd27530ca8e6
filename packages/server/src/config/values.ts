import { isNodeId, type NodeId } from '@holdfast/types';
import type { ListenAddress, PeerAddress } from './node-config.ts';

/** Readers of written values: undefined for what they do not accept. */

const DURATION_UNITS_MS: Readonly<Record<string, number>> = {
  '': 1,
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
};
const SIZE_UNITS_BYTES: Readonly<Record<string, number>> = {
  '': 1,
  b: 1,
  kb: 1000,
  mb: 1_000_000,
  gb: 1_000_000_000,
  kib: 2 ** 10,
  mib: 2 ** 20,
  gib: 2 ** 30,
};

/** `250`, `250ms`, `1.5s`, `10m`, `1h` in milliseconds. */
export function parseDuration(written: unknown): number | undefined {
  return parseWithUnit(written, DURATION_UNITS_MS);
}

/** `65536`, `64KiB`, `16MiB`, `1GB` in bytes. */
export function parseSize(written: unknown): number | undefined {
  return parseWithUnit(written, SIZE_UNITS_BYTES);
}

export function parseCount(written: unknown): number | undefined {
  return parseWithUnit(written, { '': 1 });
}

function parseWithUnit(written: unknown, units: Readonly<Record<string, number>>): number | undefined {
  if (typeof written === 'number') return Number.isFinite(written) ? written : undefined;
  if (typeof written !== 'string') return undefined;
  const match = /^(\d+(?:\.\d+)?)\s*([a-z]*)$/.exec(written.trim().toLowerCase());
  if (match === null) return undefined;
  const unit = match[2]!;
  return Object.hasOwn(units, unit) ? Number(match[1]) * units[unit]! : undefined;
}

/** `127.0.0.1:7101`, `localhost:0`, `[::1]:7101`. */
export function parseListen(written: unknown): ListenAddress | undefined {
  if (typeof written !== 'string') return undefined;
  const match = /^(?:\[([0-9A-Fa-f:.]+)\]|([^\s:/[\]]+)):(\d{1,5})$/.exec(written.trim());
  if (match === null) return undefined;
  const port = Number(match[3]);
  return port <= 65_535 ? { host: (match[1] ?? match[2])!, port } : undefined;
}

/** `ws://host:port` or `host:port` as `ws://host:port`. */
export function parseNodeUrl(written: unknown): string | undefined {
  if (typeof written !== 'string') return undefined;
  const text = written.trim();
  const address = parseListen(text.replace(/^ws:\/\//, '').replace(/\/$/, ''));
  if (address === undefined || address.port === 0) return undefined;
  return urlOf(address);
}

export function urlOf(address: ListenAddress): string {
  return `ws://${hostOf(address.host)}:${address.port}`;
}

/** As it stands in a URL or a `Host` header. */
export function hostOf(host: string): string {
  return host.includes(':') ? `[${host}]` : host;
}

/** `n1=ws://h:1,n2=h:2`, a list of `n1=…`, or a table of urls by id. Sorted by id. */
export function parsePeers(written: unknown): PeerAddress[] | undefined {
  const pairs = peerPairs(written);
  if (pairs === undefined || pairs.length === 0) return undefined;
  const peers: PeerAddress[] = [];
  for (const [id, address] of pairs) {
    const url = parseNodeUrl(address);
    if (!isNodeId(id) || url === undefined) return undefined;
    peers.push({ id, url });
  }
  return peers.sort((left, right) => (left.id < right.id ? -1 : 1));
}

function peerPairs(written: unknown): [string, unknown][] | undefined {
  if (typeof written === 'object' && written !== null && !Array.isArray(written))
    return Object.entries(written);
  const texts = parseList(written);
  return texts?.map((text): [string, unknown] => {
    const equals = text.indexOf('=');
    return [text.slice(0, Math.max(equals, 0)).trim(), text.slice(equals + 1)];
  });
}

/** `a,b` or a list of texts; empty parts are left out. */
function parseList(written: unknown): string[] | undefined {
  const parts = typeof written === 'string' ? written.split(',') : written;
  if (!Array.isArray(parts) || !parts.every((part) => typeof part === 'string')) return undefined;
  return parts.map((part: string) => part.trim()).filter((part) => part !== '');
}

/** `https://app.example:8443`, as browsers send it: no path, no default port. */
export function parseOrigins(written: unknown): string[] | undefined {
  const origins = parseList(written)?.map((text) => {
    try {
      const { origin } = new URL(text);
      return origin === 'null' || text.replace(/\/$/, '').toLowerCase() !== origin ? undefined : origin;
    } catch {
      return undefined;
    }
  });
  return origins === undefined || origins.includes(undefined) ? undefined : (origins as string[]);
}

/** `db.example` or `db.example:7101`. */
export function parseHosts(written: unknown): string[] | undefined {
  const hosts = parseList(written);
  const isHost = (host: string): boolean => /^(\[[0-9a-fA-F:.]+\]|[A-Za-z0-9._-]+)(:\d{1,5})?$/.test(host);
  return hosts?.every(isHost) ? hosts.map((host) => host.toLowerCase()) : undefined;
}

export function parseNodeId(written: unknown): NodeId | undefined {
  return typeof written === 'string' && isNodeId(written) ? written : undefined;
}

export function parseText(written: unknown): string | undefined {
  return typeof written === 'string' && written.trim() !== '' ? written : undefined;
}
