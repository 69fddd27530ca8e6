import type { NodeConfig } from '../config/node-config.ts';

/** The headers by which a browser tells who sends a request, and where it believes to send it. */
export interface AccessRequest {
  readonly origin?: string | undefined;
  readonly host?: string | undefined;
}

export type AccessDecision =
  | { readonly allowed: true }
  | { readonly allowed: false; readonly reason: string };

const ALLOWED: AccessDecision = { allowed: true };
const LOOPBACK_NAMES = ['localhost', '127.0.0.1', '[::1]'];

/**
 * Keeps web pages from reaching a node behind the user's back: a page of another site sends its `Origin`; a
 * name that was rebound to this address (DNS rebinding) sends itself as `Host`. Programs send no `Origin` and
 * the address they were given, so they never notice. A request without `Host` is not from a browser.
 */
export class AccessPolicy {
  readonly #origins: ReadonlySet<string>;
  /** `host:port`, or `host` for any port. */
  readonly #hosts = new Set<string>();
  readonly #anyAddress: boolean;

  /** `port`: the one really bound, which differs from the configured one when that is 0. */
  constructor(
    config: Pick<NodeConfig, 'id' | 'listen' | 'peers' | 'advertise' | 'allowedOrigins' | 'allowedHosts'>,
    port: number,
  ) {
    this.#origins = new Set(config.allowedOrigins.map((origin) => origin.toLowerCase()));
    const listenHost = bracketed(config.listen.host.toLowerCase());
    this.#anyAddress = listenHost === '0.0.0.0' || listenHost === '[::]';
    this.#hosts.add(`${listenHost}:${port}`);
    if (isLoopback(listenHost)) for (const name of LOOPBACK_NAMES) this.#hosts.add(`${name}:${port}`);
    if (config.advertise !== undefined) this.#hosts.add(hostOfUrl(config.advertise));
    const own = config.peers.find((peer) => peer.id === config.id);
    if (own !== undefined) this.#hosts.add(hostOfUrl(own.url));
    for (const host of config.allowedHosts) this.#hosts.add(host.toLowerCase());
  }

  isAllowed(request: AccessRequest): AccessDecision {
    if (request.origin !== undefined && !this.#origins.has(request.origin.toLowerCase())) {
      return { allowed: false, reason: `origin ${quoted(request.origin)} is not in allowedOrigins` };
    }
    if (request.host !== undefined && !this.#isOwnHost(request.host.toLowerCase())) {
      return {
        allowed: false,
        reason: `host ${quoted(request.host)} is not an address of this node; see allowedHosts`,
      };
    }
    return ALLOWED;
  }

  #isOwnHost(host: string): boolean {
    const name = /^(\[[^[\]]+\]|[^:[\]]+)(:\d+)?$/.exec(host)?.[1];
    if (name === undefined) return false;
    if (this.#hosts.has(host) || this.#hosts.has(name)) return true;
    // A URL of the default port sends no port.
    if (host === name && this.#hosts.has(`${name}:80`)) return true;
    // Bound to every address, under whatever port a container maps: an address in figures cannot be rebound.
    return this.#anyAddress && (name === 'localhost' || isAddress(name));
  }
}

function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '[::1]' || /^127\.\d+\.\d+\.\d+$/.test(host);
}

function isAddress(host: string): boolean {
  return /^\d{1,3}(\.\d{1,3}){3}$/.test(host) || /^\[[0-9a-f:.]+\]$/.test(host);
}

function bracketed(host: string): string {
  return host.includes(':') && !host.startsWith('[') ? `[${host}]` : host;
}

/** `host:port` of a ws:// address, the port always named. */
function hostOfUrl(url: string): string {
  const parsed = new URL(url);
  return `${parsed.hostname}:${parsed.port === '' ? 80 : parsed.port}`;
}

/** What a stranger sent goes into logs and answers: short, and without control characters. */
function quoted(text: string): string {
  return JSON.stringify(text.slice(0, 100));
}
