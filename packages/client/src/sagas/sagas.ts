import { HoldfastError, LIMITS, type Revision } from '@holdfast/types';
import { invalidOption } from '../invalid-option.ts';
import type { Lock } from '../locks/lock.ts';
import { checkedNames } from '../options.ts';
import { type Seams, systemSeams } from '../seams.ts';
import { endedInTime, ofKeptSaga, type SagaCallOptions, timeLeft } from './saga-call.ts';
import type { SagaDefinition } from './saga-definition.ts';
import { firstSteps, isOver, type SagaRecord, sagaKey } from './saga-record.ts';
import { SagaRegister } from './saga-register.ts';
import { SagaRun } from './saga-run.ts';
import type { SagaDatabase } from './saga-store.ts';
import { SagaWorker, type SagaWorkerOptions } from './saga-worker.ts';
import { Tenures } from './tenures.ts';

export interface SagasOptions {
  /** How long a process that ended keeps others from its sagas, at most; 10 000 ms by default. */
  readonly ttlMs?: number | undefined;
  /**
   * How long a saga that has ended is kept, milliseconds: 7 days by default, at least a minute, Infinity for ever. Until then
   * its id joins it; after that the same id begins a new one. One that is stuck or under way is kept however long that takes.
   */
  readonly retentionMs?: number | undefined;
  /** The real ones by default. */
  readonly seams?: Seams | undefined;
}

const ID_BYTES_MAX = 256;
const TTL_MS_MIN = 100;
const TTL_MS_MAX = 86_400_000;
const RETENTION_MS = 7 * 86_400_000;
const RETENTION_MS_MIN = 60_000;
const INCARNATION_BYTES = 8;

/**
 * Sagas (Garcia-Molina and Salem, 1987): work that spans several databases or services, as steps that are each taken
 * back by a compensation if a later one fails for good. Progress is kept in `database` at `quorum`, one process works on
 * a saga at a time, and another takes it over when that ends.
 */
export class Sagas extends SagaRegister {
  readonly #tenures: Tenures;
  readonly #seams: Seams;

  /** @throws HOLDFAST_INVALID_ARGUMENT */
  constructor(database: SagaDatabase, options: SagasOptions = {}) {
    checkedNames('options', options, ['ttlMs', 'retentionMs', 'seams']);
    const seams = options.seams ?? systemSeams();
    super(database, seams, checkedRetention(options.retentionMs ?? RETENTION_MS));
    this.#seams = seams;
    this.#tenures = new Tenures(database, checkedTtl(options.ttlMs ?? 10_000));
  }

  /**
   * Keeps a new saga for workers to run. The same call again finds it there.
   * @throws HOLDFAST_SAGA_EXISTS if there is one of that type and id with another input, and what any write may.
   */
  async start<Input>(
    definition: SagaDefinition<Input, unknown>,
    id: string,
    input: Input,
    options: SagaCallOptions = {},
  ): Promise<SagaRecord> {
    if (definition.steps.length === 0)
      throw invalidOption('definition', definition.type, 'at least one step');
    const now = this.#seams.clock.wallTime();
    const record: SagaRecord = {
      type: definition.type,
      id: checkedId(id),
      incarnation: Buffer.from(this.#seams.random.bytes(INCARNATION_BYTES)).toString('hex'),
      state: 'running',
      input,
      steps: firstSteps(definition.steps.map((step) => step.name)),
      token: 0 as Revision,
      moves: 0,
      startedAt: now,
      changedAt: now,
    };
    const { held, isNew } = await this.store.create(record, options);
    if (!isNew && JSON.stringify(held.record.input) !== JSON.stringify(input)) {
      throw new HoldfastError(
        'HOLDFAST_SAGA_EXISTS',
        `the saga ${JSON.stringify(id)} of type ${definition.type} was started with another input`,
      );
    }
    return held.record;
  }

  /**
   * Starts a saga, or joins one that was started, and works on it, or waits while another process does, until it is over.
   * The results of its steps by their names. It takes as long as it takes: an aborted `signal` and the end of `timeoutMs` end the
   * work here, and the saga goes on where another works on it.
   * @throws HOLDFAST_SAGA_COMPENSATED or HOLDFAST_SAGA_STUCK, HOLDFAST_SAGA_EXISTS, HOLDFAST_ABORTED, HOLDFAST_DEADLINE_EXCEEDED.
   */
  async run<Input, Results>(
    definition: SagaDefinition<Input, Results>,
    id: string,
    input: Input,
    options: SagaCallOptions = {},
  ): Promise<Results> {
    const left = timeLeft(this.#seams, options);
    const started = await this.start(definition, id, input, left());
    try {
      return resultsOf<Results>(isOver(started.state) ? started : await this.finish(definition, id, left()));
    } catch (error) {
      throw ofKeptSaga(error);
    }
  }

  /**
   * Works on a saga, or waits while another process does, until it is over: its record says how it ended.
   * @throws HOLDFAST_SAGA_NOT_FOUND, HOLDFAST_ABORTED, HOLDFAST_DEADLINE_EXCEEDED; HOLDFAST_INVALID_ARGUMENT if its steps are others.
   */
  async finish(
    definition: SagaDefinition<never, unknown>,
    id: string,
    options: SagaCallOptions = {},
  ): Promise<SagaRecord> {
    return await endedInTime(this.#seams, options, async (signal) => {
      const tenure = await this.#tenures.take(sagaKey({ type: definition.type, id }), signal);
      return await this.#underTenure(tenure, definition, id, signal);
    });
  }

  /** Runs sagas of these types that no process works on, until it is stopped. @throws HOLDFAST_INVALID_ARGUMENT */
  work(definitions: readonly SagaDefinition<never, unknown>[], options: SagaWorkerOptions = {}): SagaWorker {
    return new SagaWorker(
      {
        seams: this.#seams,
        unfinished: (type, signal) => this.store.unfinished(type, signal),
        finish: async (definition, id, signal) => {
          const tenure = await this.#tenures.tryTake(sagaKey({ type: definition.type, id }), signal);
          if (tenure !== undefined) await this.#underTenure(tenure, definition, id, signal);
        },
      },
      definitions,
      options,
    );
  }

  async #underTenure(
    tenure: Lock,
    definition: SagaDefinition<never, unknown>,
    id: string,
    signal: AbortSignal | undefined,
  ): Promise<SagaRecord> {
    const closed = new AbortController();
    const forget = this.#tenures.whenClosed(() => closed.abort());
    const signals = [tenure.signal, closed.signal, ...(signal === undefined ? [] : [signal])];
    try {
      const run = new SagaRun({
        store: this.store,
        seams: this.#seams,
        definition: definition as SagaDefinition<unknown, unknown>,
        tenure: { token: tenure.token, signal: AbortSignal.any(signals) },
      });
      return await run.finish(id);
    } finally {
      forget();
      // Not for a cluster that may not answer, once it is called off: the tenure expires by itself.
      await tenure.release({ signal }).catch(() => undefined);
    }
  }
}

function resultsOf<Results>(record: SagaRecord): Results {
  const { state, steps, failure, obstacle, id, type } = record;
  const name = `the saga ${JSON.stringify(id)} of type ${type}`;
  if (state === 'completed') {
    return Object.fromEntries(steps.map((step) => [step.name, step.result])) as Results;
  }
  if (state === 'compensated') {
    throw new HoldfastError('HOLDFAST_SAGA_COMPENSATED', `${name} was taken back: ${failure?.message}`, {
      cause: failure,
    });
  }
  throw new HoldfastError('HOLDFAST_SAGA_STUCK', `${name} could not be taken back: ${obstacle?.message}`, {
    cause: obstacle,
  });
}

function checkedTtl(ttlMs: number): number {
  if (!Number.isSafeInteger(ttlMs) || ttlMs < TTL_MS_MIN || ttlMs > TTL_MS_MAX)
    throw invalidOption('ttlMs', ttlMs, `a whole number from ${TTL_MS_MIN} to ${TTL_MS_MAX}`);
  return ttlMs;
}

/** Undefined: for ever. */
function checkedRetention(retentionMs: number): number | undefined {
  if (retentionMs === Number.POSITIVE_INFINITY) return undefined;
  const isWithin = retentionMs >= RETENTION_MS_MIN && retentionMs <= LIMITS.ttlMsMax;
  if (!Number.isSafeInteger(retentionMs) || !isWithin)
    throw invalidOption(
      'retentionMs',
      retentionMs,
      `a whole number from ${RETENTION_MS_MIN} to ${LIMITS.ttlMsMax}, or Infinity`,
    );
  return retentionMs;
}

function checkedId(id: string): string {
  if (typeof id !== 'string' || id.length === 0 || Buffer.byteLength(id) > ID_BYTES_MAX)
    throw invalidOption('id', id, `text of 1 to ${ID_BYTES_MAX} bytes`);
  return id;
}
