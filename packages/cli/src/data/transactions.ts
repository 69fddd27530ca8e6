import type { Transaction, TransactionCondition, TransactionStep } from '@holdfast/client';
import { HoldfastError } from '@holdfast/types';
import type { Context } from '../context.ts';
import { EXIT, type ExitStatus } from '../exit-codes.ts';
import { withDatabase } from '../open-database.ts';
import { escaped, fromBytes, toBytes } from '../values.ts';
import type { Encodings } from './batch-lines.ts';
import { givenBytes, type WriteOptions } from './writes.ts';

type Step = TransactionStep<Buffer, Buffer>;

/** Reads a transaction, runs it and prints what each step of the branch that ran came to. */
export async function transact(options: WriteOptions, context: Context): Promise<ExitStatus> {
  const { output } = context;
  const transaction = parseTransaction((await givenBytes(options, context)).toString('utf8'), options);
  return await withDatabase(options, context, async (database) => {
    const { steps, ...summary } = await database.transaction(transaction);
    const asked = (summary.branch === 'then' ? transaction.then : transaction.else) ?? [];
    const results = steps.map((result, place) => {
      const { type, revision } = result;
      const key = text(asked[place]!.key, options.keyEncoding);
      if (result.type === 'increment') return { type, key, value: result.value, revision };
      if (result.type !== 'get') return { type, key, revision };
      const value = result.value === undefined ? null : text(result.value, options.encoding);
      return { type, key, value, revision };
    });
    if (options.json === true) output.json({ ...summary, steps: results });
    else {
      for (const { type, key, value } of results) {
        const shown = value === null || value === undefined ? [] : [escaped(String(value))];
        output.line([type, escaped(key), ...shown].join('\t'));
      }
      const { branch, revision, term, ack } = summary;
      output.words(`${branch} ran: revision ${revision}, term ${term}, acknowledged at ${ack}`);
    }
    return summary.branch === 'then' ? EXIT.done : EXIT.refused;
  });
}

/** One JSON object: `if`, `then` and `else`, each a list of objects with texts as keys and values. */
function parseTransaction(json: string, encodings: Encodings): Transaction<Buffer, Buffer> {
  const given = asObject('the transaction', parseJson(json));
  const { if: conditions, then: steps, else: otherwise, ...others } = given;
  refuseOthers('the transaction', others);
  return {
    if: list('if', conditions).map((one) => parseCondition(one, encodings)),
    then: list('then', steps).map((one) => parseStep('then', one, encodings)),
    else: list('else', otherwise).map((one) => parseStep('else', one, encodings)),
  };
}

function parseCondition(
  given: unknown,
  { encoding, keyEncoding }: Encodings,
): TransactionCondition<Buffer, Buffer> {
  const { key, value, revision, absent, ...others } = asObject('if', given);
  refuseOthers('if', others);
  // What is missing, mistyped or too much is found by the client, which names it.
  return {
    key: toBytes(textIn('key', key), keyEncoding),
    ...(value === undefined ? {} : { value: toBytes(textIn('value', value), encoding) }),
    ...(revision === undefined ? {} : { revision }),
    ...(absent === undefined ? {} : { absent }),
  } as unknown as TransactionCondition<Buffer, Buffer>;
}

function parseStep(where: string, given: unknown, { encoding, keyEncoding }: Encodings): Step {
  const { type, key, value, by, ttlMs, ...others } = asObject(where, given);
  refuseOthers(where, others);
  return {
    type,
    key: toBytes(textIn('key', key), keyEncoding),
    ...(value === undefined ? {} : { value: toBytes(textIn('value', value), encoding) }),
    ...(by === undefined ? {} : { by }),
    ...(ttlMs === undefined ? {} : { ttlMs }),
  } as Step;
}

function parseJson(json: string): unknown {
  try {
    return JSON.parse(json);
  } catch (cause) {
    throw invalid(`not JSON: ${cause instanceof Error ? cause.message : String(cause)}`);
  }
}

function asObject(what: string, given: unknown): Record<string, unknown> {
  if (typeof given !== 'object' || given === null || Array.isArray(given))
    throw invalid(`${what}: expected a JSON object`);
  return given as Record<string, unknown>;
}

function list(name: string, given: unknown): readonly unknown[] {
  if (given === undefined) return [];
  if (!Array.isArray(given)) throw invalid(`${name}: expected a list`);
  return given;
}

function textIn(name: string, given: unknown): string {
  if (typeof given !== 'string') throw invalid(`${name} must be a text`);
  return given;
}

function refuseOthers(what: string, others: object): void {
  const strange = Object.keys(others)[0];
  if (strange !== undefined) throw invalid(`${what}: there is no field ${JSON.stringify(strange)}`);
}

/** Not shown, it has happened all the same. */
function text(bytes: Uint8Array, encoding: Encodings['encoding']): string {
  const shown = fromBytes(bytes, encoding);
  if (shown !== undefined) return shown;
  const reason =
    'the transaction ran, but what it read is no text in UTF-8: ask for --encoding hex or base64';
  throw new HoldfastError('HOLDFAST_INVALID_ARGUMENT', reason, { outcome: 'applied' });
}

function invalid(message: string): HoldfastError {
  return new HoldfastError('HOLDFAST_INVALID_ARGUMENT', message);
}
