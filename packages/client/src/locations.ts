import { HoldfastError } from '@holdfast/types';

/** Addresses of nodes, from one or several comma-separated lists of `ws://host:port`. At least one, none twice. */
export function parseLocations(location: string | readonly string[]): string[] {
  const given = (typeof location === 'string' ? [location] : location).flatMap((part) => {
    if (typeof part !== 'string') throw invalidLocation(String(part));
    return part.split(',');
  });
  const urls = new Set<string>();
  for (const text of given) if (text.trim() !== '') urls.add(parseLocation(text.trim()));
  if (urls.size === 0) throw invalidLocation('');
  return [...urls];
}

function parseLocation(text: string): string {
  if (!URL.canParse(text)) throw invalidLocation(text);
  const url = new URL(text);
  const plain = url.search === '' && url.hash === '' && url.username === '' && url.password === '';
  if ((url.protocol !== 'ws:' && url.protocol !== 'wss:') || !plain) throw invalidLocation(text);
  return `${url.protocol}//${url.host}${url.pathname.replace(/\/+$/, '')}`;
}

function invalidLocation(text: string): HoldfastError {
  return new HoldfastError(
    'HOLDFAST_INVALID_ARGUMENT',
    `not an address of a node: ${JSON.stringify(text)}; expected ws://host:port, several separated by commas`,
  );
}
