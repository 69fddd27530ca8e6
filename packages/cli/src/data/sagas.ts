import { type SagaRecord, SagaRegister, type SagaState } from '@holdfast/client/sagas';
import { HoldfastError } from '@holdfast/types';
import type { ClusterOptions } from '../commands/setup.ts';
import type { Context } from '../context.ts';
import { EXIT, type ExitStatus } from '../exit-codes.ts';
import { withDatabase } from '../open-database.ts';
import { paintFor } from '../render/style.ts';
import { printTable } from '../render/table.ts';
import { escaped } from '../values.ts';

export interface SagaOptions extends ClusterOptions {
  readonly namespace?: string;
}

export interface SagaListOptions extends SagaOptions {
  readonly type?: string;
  readonly state?: string;
}

const STATES: readonly string[] = [
  'running',
  'compensating',
  'completed',
  'compensated',
  'stuck',
] satisfies SagaState[];
/** Rows of one table: a longer list is shown in several, as it is read. */
const TABLE_ROWS = 200;

export async function printSagas(options: SagaListOptions, context: Context): Promise<void> {
  const { output } = context;
  const { type, state } = options;
  if (state !== undefined && !STATES.includes(state)) {
    throw new HoldfastError(
      'HOLDFAST_INVALID_ARGUMENT',
      `--state: expected ${STATES.join(', ')}, received ${state}`,
    );
  }
  await withDatabase(options, context, async (database) => {
    let rows: string[][] = [];
    let count = 0;
    const flush = (): void => {
      printTable(output, LIST_TITLES, rows);
      rows = [];
    };
    for await (const record of new SagaRegister(database).list({ type, state: state as SagaState })) {
      count += 1;
      if (options.json === true) output.json(record);
      else if (rows.push(rowOf(record)) === TABLE_ROWS) flush();
      await output.drained();
    }
    if (rows.length > 0) flush();
    if (count === 0 && options.json !== true) output.words('there are no such sagas');
  });
}

export async function printSaga(
  type: string,
  id: string,
  options: SagaOptions,
  context: Context,
): Promise<void> {
  const { output } = context;
  const record = await withDatabase(options, context, (database) => new SagaRegister(database).get(type, id));
  if (record === undefined) {
    throw new HoldfastError(
      'HOLDFAST_SAGA_NOT_FOUND',
      `there is no saga ${JSON.stringify(id)} of type ${type}`,
    );
  }
  if (options.json === true) return output.json(record);
  const fields: [string, string | undefined][] = [
    ['saga', `${escaped(type)} ${escaped(id)}`],
    ['state', record.state],
    ['input', JSON.stringify(record.input)],
    ['abort', record.abort === undefined || record.state !== 'running' ? undefined : escaped(record.abort)],
    ['failure', failureText(record.failure)],
    ['obstacle', failureText(record.obstacle)],
    ['started', new Date(record.startedAt).toISOString()],
    ['changed', new Date(record.changedAt).toISOString()],
  ];
  const paint = paintFor(output.hasColour);
  for (const [title, text] of fields) {
    if (text !== undefined) output.line(`${paint('dim', title.padEnd(8))}  ${text}`);
  }
  const rows = record.steps.map(({ name, state, result }) => [name, state, JSON.stringify(result) ?? '']);
  output.line('');
  printTable(output, STEP_TITLES, rows);
}

export async function resumeSaga(
  type: string,
  id: string,
  options: SagaOptions,
  context: Context,
): Promise<ExitStatus> {
  const { output } = context;
  const isDone = await withDatabase(options, context, (database) =>
    new SagaRegister(database).resume(type, id),
  );
  output.words(isDone ? 'resumed: a worker will take it back from where it was stuck' : 'it is not stuck');
  return isDone ? EXIT.done : EXIT.refused;
}

export async function abortSaga(
  type: string,
  id: string,
  options: SagaOptions & { readonly reason?: string },
  context: Context,
): Promise<ExitStatus> {
  const { output } = context;
  const isDone = await withDatabase(options, context, (database) =>
    new SagaRegister(database).abort(type, id, options.reason),
  );
  output.words(
    isDone
      ? 'ordered: it is taken back after the step under way'
      : 'it is not running, or was aborted before',
  );
  return isDone ? EXIT.done : EXIT.refused;
}

const LIST_TITLES = ['type', 'id', 'state', 'step', 'changed', 'failure'];
const STEP_TITLES = ['step', 'state', 'result'];

function rowOf(record: SagaRecord): string[] {
  const { type, id, state, steps, changedAt, failure, obstacle } = record;
  const step = steps.findLast(({ state: of }) => of !== 'undone') ?? steps[0];
  return [
    escaped(type),
    escaped(id),
    state,
    state === 'completed' || state === 'compensated' ? '' : escaped(step?.name ?? ''),
    new Date(changedAt).toISOString(),
    failureText(obstacle ?? failure) ?? '',
  ];
}

function failureText(failure: SagaRecord['failure']): string | undefined {
  if (failure === undefined) return undefined;
  const { step, code, message } = failure;
  return escaped([step, code, message].filter((part) => part !== undefined).join(': '));
}
