import type { NodeId } from '@holdfast/types';
import type { Divergence } from './divergence.ts';
import { invalidOption } from './invalid-option.ts';
import type { AnyCall, Repeat, StaleRead } from './session/call.ts';
import type { ClientNews } from './session/effects.ts';
import { operationOf } from './tracing/operation-of.ts';

/** Any logger like pino's: what happened as an object, then what to call it. */
export interface ClientLogger {
  debug(details: object, message: string): void;
}

/** Tells a logger what a client goes through: what its events tell, and what is asked again. Neither keys nor values. */
export class ClientLog {
  readonly #logger: ClientLogger | undefined;

  constructor(logger: ClientLogger | undefined) {
    this.#logger = logger;
  }

  news({ event, detail }: ClientNews): void {
    this.#debug(() => detail, TEXTS[event]);
  }

  diverged({ lost, surviving, receipts }: Divergence): void {
    this.#debug(
      () => ({ lost, surviving, receipts: receipts.length }),
      'writes that were acknowledged local are lost',
    );
  }

  degraded(detail: StaleRead): void {
    this.#debug(() => detail, 'a read was answered with less than it asked for');
  }

  resent(call: AnyCall, repeat: Repeat, node: NodeId | undefined): void {
    if (this.#logger === undefined) return;
    const { id, attempts, refusal } = call;
    const details = {
      call: id,
      operation: operationOf(call),
      attempt: attempts,
      node,
      refusal: refusal?.code,
    };
    this.#debug(() => details, repeat);
  }

  /** One that throws must not do so in the middle of what the driver is doing. */
  #debug(details: () => object, message: string): void {
    const logger = this.#logger;
    if (logger !== undefined) queueMicrotask(() => logger.debug(details(), message));
  }
}

const TEXTS: Readonly<Record<ClientNews['event'], string>> = {
  primary: 'another primary',
  disconnected: 'no node is in reach',
  reconnected: 'a node is in reach again',
  breaker: 'a breaker changed',
};

export function checkedLogger(logger: ClientLogger | undefined): ClientLogger | undefined {
  if (logger === undefined || typeof logger?.debug === 'function') return logger;
  throw invalidOption('logger', logger, 'an object with a method debug');
}
