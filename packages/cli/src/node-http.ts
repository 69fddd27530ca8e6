import { type IncomingMessage, type RequestOptions, request } from 'node:http';
import { request as requestSecurely } from 'node:https';
import type { NodeEvent, NodeStatus } from '@holdfast/server';
import { HoldfastError, isErrorCode } from '@holdfast/types';

export interface HttpCall {
  readonly method?: 'GET' | 'POST';
  /** Sent as JSON. */
  readonly body?: object;
  readonly headers?: Readonly<Record<string, string>>;
  readonly timeoutMs: number;
}

/** `ws://h:1` or `http://h:1` with a path, as an address for HTTP. */
function httpUrl(url: string, path: string): URL {
  return new URL(`${url.replace(/^ws/, 'http')}${path}`);
}

/**
 * Asks a node, or the control page of `up`. Rejects with the error the other side names, with HOLDFAST_NO_PRIMARY
 * if nobody answers at that address, with HOLDFAST_DEADLINE_EXCEEDED if nobody answers in time, with
 * HOLDFAST_OUTCOME_UNKNOWN if it was an order and the connection ended before the answer.
 */
export async function callHttp<Answer>(url: string, path: string, call: HttpCall): Promise<Answer> {
  const payload = call.method === 'POST' ? JSON.stringify(call.body ?? {}) : undefined;
  const { status, text } = await exchange(httpUrl(url, path), payload, call);
  const content = parse(text);
  if (status >= 200 && status < 300 && content !== undefined) return content as Answer;
  const { code, message } = (content?.error ?? {}) as { code?: string; message?: string };
  if (code !== undefined && isErrorCode(code)) throw new HoldfastError(code, message ?? 'refused');
  throw new HoldfastError('HOLDFAST_INVALID_MESSAGE', `${url} answered ${status}: it is no node of Holdfast`);
}

export function fetchStatus(url: string, timeoutMs: number): Promise<NodeStatus> {
  return callHttp<NodeStatus>(url, '/v1/status', { timeoutMs });
}

function exchange(
  address: URL,
  payload: string | undefined,
  call: HttpCall,
): Promise<{ status: number; text: string }> {
  return new Promise((resolve, reject) => {
    const sent = send(address, {
      method: call.method ?? 'GET',
      agent: false,
      headers: { ...call.headers, ...(payload === undefined ? {} : { 'content-type': 'application/json' }) },
    });
    const timer = setTimeout(() => {
      sent.destroy();
      reject(
        new HoldfastError('HOLDFAST_DEADLINE_EXCEEDED', `${address.host} did not answer in time`, {
          outcome: payload === undefined ? 'not-applied' : 'unknown',
        }),
      );
    }, call.timeoutMs);
    let isConnected = false;
    const fail = (cause: Error): void => {
      clearTimeout(timer);
      const mayBeDone = payload !== undefined && isConnected;
      reject(mayBeDone ? cutOff(address, cause) : unreachable(address, cause));
    };
    sent.on('socket', (socket) => {
      socket.once('connect', () => {
        isConnected = true;
      });
    });
    sent.on('error', fail);
    sent.on('response', (response: IncomingMessage) => {
      const parts: Buffer[] = [];
      response.on('data', (part: Buffer) => parts.push(part));
      response.on('error', fail);
      response.on('end', () => {
        clearTimeout(timer);
        resolve({ status: response.statusCode ?? 0, text: Buffer.concat(parts).toString('utf8') });
      });
    });
    sent.end(payload);
  });
}

function send(address: URL, options: RequestOptions): ReturnType<typeof request> {
  return address.protocol === 'https:' ? requestSecurely(address, options) : request(address, options);
}

function unreachable(address: URL, cause: Error): HoldfastError {
  const message = `nothing answers at ${address.host} (${reasonOf(cause)})`;
  return new HoldfastError('HOLDFAST_NO_PRIMARY', message, { cause });
}

function cutOff(address: URL, cause: Error): HoldfastError {
  const message = `the connection to ${address.host} ended before it answered (${reasonOf(cause)})`;
  return new HoldfastError('HOLDFAST_OUTCOME_UNKNOWN', message, { cause });
}

function reasonOf(cause: Error): string {
  return 'code' in cause ? String(cause.code) : cause.message;
}

function parse(text: string): Record<string, unknown> | undefined {
  try {
    const content: unknown = JSON.parse(text);
    return typeof content === 'object' && content !== null ? (content as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}

export interface EventsCall {
  /** `<boot>:<id>` of the last event that was read. */
  readonly after?: string | undefined;
  readonly follow: boolean;
  onEvent(event: NodeEvent, id: string): void;
  /** That many fell out of the node's ring before they could be read. */
  onMissed?(missed: number): void;
  /** Once: the stream ended or could not be had. */
  onEnd(error: Error | undefined): void;
}

/** A node that is still there says so every 15 s. */
const SILENCE_MS = 45_000;

/** Reads a node's events. The function returned ends it without a call of `onEnd`. */
export function readEvents(url: string, call: EventsCall): () => void {
  let isOver = false;
  let silence: NodeJS.Timeout | undefined;
  const end = (error: Error | undefined): void => {
    if (isOver) return;
    isOver = true;
    clearTimeout(silence);
    call.onEnd(error);
  };
  const address = httpUrl(url, `/v1/events${call.follow ? '' : '?follow=false'}`);
  const sent = send(address, {
    agent: false,
    headers: {
      accept: 'text/event-stream',
      ...(call.after === undefined ? {} : { 'last-event-id': call.after }),
    },
  });
  sent.on('error', (cause) => end(unreachable(address, cause)));
  sent.on('response', (response) => {
    if (response.statusCode !== 200) {
      response.resume();
      end(new HoldfastError('HOLDFAST_NOT_READY', `${address.host} answered ${response.statusCode}`));
      return;
    }
    let rest = '';
    response.setEncoding('utf8');
    response.on('data', (text: string) => {
      silence?.refresh();
      const blocks = (rest + text).split('\n\n');
      rest = blocks.pop() ?? '';
      for (const block of blocks) if (!isOver) deliver(block, call);
    });
    response.on('error', (cause) => end(cause));
    response.on('close', () => end(undefined));
  });
  sent.end();
  // A machine that is gone, or cut off, closes nothing: without this it would be waited for for ever.
  if (call.follow)
    silence = setTimeout(() => {
      sent.destroy();
      end(unreachable(address, new Error('it is silent')));
    }, SILENCE_MS);
  return () => {
    isOver = true;
    clearTimeout(silence);
    sent.destroy();
  };
}

function deliver(block: string, call: EventsCall): void {
  const fields = new Map<string, string>();
  for (const line of block.split('\n')) {
    const colon = line.indexOf(': ');
    if (colon > 0) fields.set(line.slice(0, colon), line.slice(colon + 2));
  }
  const data = parse(fields.get('data') ?? '');
  if (data === undefined) return;
  if (fields.get('event') === 'missed') call.onMissed?.(Number(data.missed));
  else call.onEvent(data as NodeEvent, fields.get('id') ?? '');
}
