import type { ClusterOptions } from '../commands/setup.ts';
import type { Context } from '../context.ts';
import { type Database, withDatabase } from '../open-database.ts';
import { isReserved } from '../reserved-keys.ts';
import { untilSignal } from '../signals.ts';
import { escaped, type TextEncoding } from '../values.ts';
import { jsonRecord, keyText, type RangeOptions, rangeOf, valueText } from './reads.ts';

export interface WatchCommandOptions extends ClusterOptions, RangeOptions {
  readonly encoding: TextEncoding;
  readonly from?: number;
  readonly initial?: true;
  readonly previous?: true;
  readonly limit?: number;
  readonly reserved?: true;
}

type Event = Awaited<ReturnType<ReturnType<typeof watchOf>['next']>>['value'] & object;

/** `holdfast watch`: until Ctrl-C, or so many events. */
export async function watch(options: WatchCommandOptions, context: Context): Promise<void> {
  const { output } = context;
  await withDatabase(options, context, async (database) => {
    let left = options.limit ?? Number.POSITIVE_INFINITY;
    const events = watchOf(database, options);
    const signal = untilSignal();
    const ended = signal.given.then(() => events.close());
    try {
      for await (const event of events) {
        const isShown = event.type !== 'progress' && (options.reserved === true || !isReserved(event.key));
        if (isShown) left -= 1;
        if (isShown || (event.type === 'progress' && options.json === true)) print(event, options, context);
        await output.drained();
        if (left <= 0) break;
      }
    } finally {
      signal.close();
    }
    if (signal.isGiven) await ended;
  });
}

function watchOf(database: Database, options: WatchCommandOptions) {
  return database.watch({
    ...rangeOf(options),
    from: options.from,
    initial: options.initial === true,
    previousValue: options.previous === true,
    progress: true,
  } as const);
}

/** A line of tabs between kind, key, value and, if it was asked for, what was there before; or an object. */
function print(event: Event, options: WatchCommandOptions, { output }: Context): void {
  if (event.type === 'progress') {
    output.json({ type: event.type, revision: event.revision });
    return;
  }
  const { type, key, previousValue, revision, term, endsWrite, initial } = event;
  const value = event.type === 'put' ? event.value : undefined;
  if (options.json === true) {
    output.json({
      type,
      ...jsonRecord({ key, value }, options),
      ...(previousValue === undefined ? {} : previousOf(previousValue, options)),
      ...(initial ? { initial } : { revision, term, endsWrite }),
    });
    return;
  }
  const fields = [type, keyText(key, options)];
  for (const bytes of [value, previousValue])
    if (bytes !== undefined) fields.push(valueText(key, bytes, options));
  output.line(fields.map(escaped).join('\t'));
}

function previousOf(previousValue: Buffer, options: WatchCommandOptions): object {
  const { value, encoding } = jsonRecord({ key: previousValue, value: previousValue }, options) as {
    readonly value: string;
    readonly encoding: TextEncoding;
  };
  return { previousValue: value, previousEncoding: encoding };
}
