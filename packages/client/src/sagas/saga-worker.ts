import { invalidOption } from '../invalid-option.ts';
import { checkedNames } from '../options.ts';
import type { Seams } from '../seams.ts';
import { pause } from './attempts.ts';
import type { SagaDefinition } from './saga-definition.ts';
import { sagaKey } from './saga-record.ts';

export interface SagaWorkerOptions {
  /** Sagas worked on at a time; 8 by default. */
  readonly concurrency?: number | undefined;
  /** How often it looks for sagas that nobody works on, about; 5000 ms by default. */
  readonly scanMs?: number | undefined;
  /** Ends the worker, as `stop` does. */
  readonly signal?: AbortSignal | undefined;
  /** What kept it from working on a saga, or from finding any; it tries again. */
  readonly onError?:
    | ((error: unknown, saga: { readonly type: string; readonly id: string } | undefined) => void)
    | undefined;
}

export interface SagaWorkerAccess {
  readonly seams: Seams;
  /** Ids of sagas that are not over. */
  unfinished(type: string, signal: AbortSignal): AsyncIterable<string>;
  /** Until it is over, or at once if another process works on it. */
  finish(definition: SagaDefinition<never, unknown>, id: string, signal: AbortSignal): Promise<void>;
}

/** Looks for sagas that no process works on, and runs them. */
export class SagaWorker implements AsyncDisposable {
  readonly #access: SagaWorkerAccess;
  readonly #definitions: readonly SagaDefinition<never, unknown>[];
  readonly #options: SagaWorkerOptions;
  readonly #concurrency: number;
  readonly #scanMs: number;
  readonly #stopped = new AbortController();
  readonly #running = new Map<string, Promise<void>>();
  readonly #ended: Promise<void>;

  /** @throws HOLDFAST_INVALID_ARGUMENT */
  constructor(
    access: SagaWorkerAccess,
    definitions: readonly SagaDefinition<never, unknown>[],
    options: SagaWorkerOptions,
  ) {
    checkedNames('options', options, ['concurrency', 'scanMs', 'signal', 'onError']);
    this.#access = access;
    this.#definitions = definitions;
    this.#options = options;
    this.#concurrency = positive('concurrency', options.concurrency ?? 8);
    this.#scanMs = positive('scanMs', options.scanMs ?? 5000);
    this.#ended = this.#work();
  }

  /** Sagas worked on now. */
  get running(): number {
    return this.#running.size;
  }

  /**
   * Begins nothing more, tells the steps under way so by their signals, and resolves when it works on no saga: at once, whatever
   * a step or the cluster does meanwhile. What a step comes to after that is not kept; the next worker runs it again. It
   * never rejects, unless `onError` throws.
   */
  async stop(): Promise<void> {
    this.#stopped.abort();
    await this.#ended;
    await Promise.all(this.#running.values());
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }

  get #signal(): AbortSignal {
    const { signal } = this.#options;
    return signal === undefined ? this.#stopped.signal : AbortSignal.any([this.#stopped.signal, signal]);
  }

  async #work(): Promise<void> {
    const signal = this.#signal;
    while (!signal.aborted) {
      for (const definition of this.#definitions) await this.#scan(definition, signal);
      // Several workers do not look at the same moment.
      await pause(this.#scanMs * 2, { seams: this.#access.seams, signal }).catch(() => undefined);
    }
  }

  async #scan(definition: SagaDefinition<never, unknown>, signal: AbortSignal): Promise<void> {
    try {
      for await (const id of this.#access.unfinished(definition.type, signal)) {
        while (this.#running.size >= this.#concurrency && !signal.aborted)
          await Promise.race(this.#running.values());
        if (signal.aborted) return;
        const key = sagaKey({ type: definition.type, id });
        if (!this.#running.has(key)) this.#running.set(key, this.#finish(definition, id, signal, key));
      }
    } catch (error) {
      if (!signal.aborted) this.#options.onError?.(error, undefined);
    }
  }

  async #finish(
    definition: SagaDefinition<never, unknown>,
    id: string,
    signal: AbortSignal,
    key: string,
  ): Promise<void> {
    try {
      await this.#access.finish(definition, id, signal);
    } catch (error) {
      if (!signal.aborted) this.#options.onError?.(error, { type: definition.type, id });
    } finally {
      this.#running.delete(key);
    }
  }
}

function positive(name: string, value: number): number {
  if (!Number.isSafeInteger(value) || value < 1) throw invalidOption(name, value, 'a positive whole number');
  return value;
}
