import type { Revision, Term } from '@holdfast/types';
import type { AbstractGetOptions } from 'abstract-level';
import { invalidOption } from '../invalid-option.ts';
import {
  checkedNames,
  checkedPositive,
  checkedReadPreference,
  checkedRevision,
  checkedSignal,
} from '../options.ts';
import type { ReadPreference } from '../session/read-routes.ts';

/** A committed put, or a key that was there when the watch began. */
export interface WatchPut<K, V> {
  readonly type: 'put';
  readonly key: K;
  readonly value: V;
  /** What the key held just before, if that was asked for and there was anything. */
  readonly previousValue?: V;
  /** Of this mutation; absent with `initial`. */
  readonly revision?: Revision;
  readonly term?: Term;
  /** The last mutation of its write that this watch tells; those of one write follow each other. */
  readonly endsWrite: boolean;
  /** It was there when the watch began. */
  readonly initial: boolean;
}

/** A committed delete, whether or not there was such a key. */
export interface WatchDel<K, V> {
  readonly type: 'del';
  readonly key: K;
  readonly previousValue?: V;
  readonly revision: Revision;
  readonly term: Term;
  readonly endsWrite: boolean;
  readonly initial: false;
}

/** All that happened in the range up to here was told. */
export interface WatchProgress {
  readonly type: 'progress';
  readonly revision: Revision;
}

export type WatchChange<K, V> = WatchPut<K, V> | WatchDel<K, V>;

export interface HoldfastWatchOptions<K, V> {
  readonly gt?: K | undefined;
  readonly gte?: K | undefined;
  readonly lt?: K | undefined;
  readonly lte?: K | undefined;
  /** A revision that was seen: what came after it is told, if the log still has it. By default what comes after now. */
  readonly from?: number | undefined;
  /** First tell what is there, then what comes after that; a `progress` stands between them. Not with `from`. */
  readonly initial?: boolean | undefined;
  /** Tell what the key held just before, too: HOLDFAST_PREVIOUS_VALUE_UNKNOWN where that is not known any more. */
  readonly previousValue?: boolean | undefined;
  /** Tell how far the watch has come, too, also while nothing happens in its range. */
  readonly progress?: boolean | undefined;
  readonly keyEncoding?: AbstractGetOptions<K, V>['keyEncoding'];
  readonly valueEncoding?: AbstractGetOptions<K, V>['valueEncoding'];
  /** Whom to ask, if possible. */
  readonly readPreference?: ReadPreference | undefined;
  /** For a node to open the watch at first, milliseconds; once it has begun it goes on for as long as it takes. */
  readonly timeoutMs?: number | undefined;
  /** Ends it with HOLDFAST_ABORTED. */
  readonly signal?: AbortSignal | undefined;
}

/** What a watch with such options brings. */
export type WatchEventOf<K, V, Options> = Options extends
  | { readonly initial: true }
  | { readonly progress: true }
  ? WatchChange<K, V> | WatchProgress
  : WatchChange<K, V>;

const NAMES = [
  'gt',
  'gte',
  'lt',
  'lte',
  'from',
  'initial',
  'previousValue',
  'progress',
  'keyEncoding',
  'valueEncoding',
  'readPreference',
  'timeoutMs',
  'signal',
];

/** Throws HOLDFAST_INVALID_ARGUMENT. */
export function checkWatchOptions<K, V>(options: HoldfastWatchOptions<K, V>): void {
  checkedNames('options', options, NAMES);
  checkedRevision('from', options.from);
  checkedPositive('timeoutMs', options.timeoutMs);
  checkedReadPreference(options.readPreference);
  checkedSignal(options.signal);
  for (const name of ['initial', 'previousValue', 'progress'] as const) {
    const value: unknown = options[name];
    if (value !== undefined && typeof value !== 'boolean') throw invalidOption(name, value, 'true or false');
  }
  if (options.initial === true && options.from !== undefined)
    throw invalidOption('initial', true, 'either initial or from');
}
