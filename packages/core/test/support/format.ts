import type { Entry, EntryRequest, Mutation, PeerMessage, StepResult, WriteResult } from '@holdfast/types';
import { REVISION_GAP } from '@holdfast/types';
import type { Effect, Input, PersistOrder } from '../../src/api.ts';

const LONG_BYTES = 64;
const RESULT_KINDS = [
  'written',
  'counter',
  'conflict',
  'notAnInteger',
  'transaction',
  'resultTooLarge',
  'cleared',
];

/** `2g+5`: five above twice the revision gap. */
export function revisionText(revision: number): string {
  const gaps = Math.floor(revision / REVISION_GAP);
  return gaps === 0 ? `${revision}` : `${gaps}g+${revision - gaps * REVISION_GAP}`;
}

/** Long values by their length alone. */
export function bytesText(value: Uint8Array): string {
  if (value.byteLength > LONG_BYTES) return `(${value.byteLength} bytes)`;
  return Buffer.from(value).toString('latin1');
}

export function entryText(entry: Entry): string {
  const place = `${entry.index}@${entry.term}`;
  if (entry.body.kind !== 'requests') return `${place} ${entry.body.kind}`;
  return `${place} ${entry.body.requests.map(requestText).join(', ')}`;
}

export function inputText(input: Input): string {
  if (input.kind === 'message') return `message from=${input.from} ${messageText(input.message)}`;
  return fieldsText(input.kind, input);
}

export function effectText(effect: Effect): string {
  switch (effect.kind) {
    case 'persist':
      return `persist ${orderText(effect.order)}`;
    case 'send':
      return `send ${effect.to} ${messageText(effect.message)}`;
    case 'notice':
      return `notice ${fieldsText(effect.notice.kind, effect.notice)}`;
    case 'apply':
      return `apply ${effect.entries.map(entryText).join(' | ')}`;
    case 'judged':
      return `judged ${effect.entries.map(entryText).join(' | ')}`;
    case 'fileDiverged':
      return `fileDiverged${effect.undecided ? ' undecided' : ''} ${effect.entries.map(entryText).join(' | ')}`;
    case 'reply':
      return effect.replies
        .map((reply) => {
          const rest =
            reply.kind === 'error' ? reply.error : reply.kind === 'receipt' ? reply.receipt : reply;
          return `reply c${effect.connection} #${reply.id} ${fieldsText(reply.kind, rest, ['id', 'message'])}`;
        })
        .join('\n');
    case 'refuseReads':
      return effect.reads
        .map((read) => `refuse #${read.id} ${fieldsText('', read.error, ['message'])}`)
        .join('\n');
    default:
      return fieldsText(effect.kind, effect);
  }
}

export function messageText(message: PeerMessage): string {
  return fieldsText(message.kind, message);
}

function orderText(order: PersistOrder): string {
  const vote = order.hardState.votedFor === undefined ? '' : ` vote=${order.hardState.votedFor}`;
  const state = `term=${order.hardState.term}${vote} commit=${order.commitFloor} last=${valueText('', order.last)}`;
  const { record } = order;
  const what = record.kind === 'entries' ? (record.entries.length === 0 ? 'state' : 'entries') : record.kind;
  return `#${order.ticket} ${fieldsText(what, record)} ${state}`.replace(' entries=[]', '');
}

/** Every field but the kind, in the order in which they were made. */
function fieldsText(kind: string, value: object, without: readonly string[] = []): string {
  const words = kind === '' ? [] : [kind];
  for (const [name, field] of Object.entries(value)) {
    if (name === 'kind' || without.includes(name) || field === undefined) continue;
    words.push(`${name}=${valueText(name, field)}`);
  }
  return words.join(' ');
}

function valueText(name: string, value: unknown): string {
  if (typeof value === 'number')
    return /revision|token/i.test(name) ? revisionText(value) : `${round(value)}`;
  if (typeof value === 'string') return value.includes(' ') ? JSON.stringify(value) : value;
  if (value instanceof Uint8Array) return bytesText(value);
  if (Array.isArray(value))
    return `[${value.map((one) => valueText(name, one)).join(name === 'entries' ? ' | ' : ' ')}]`;
  if (typeof value !== 'object' || value === null) return `${value}`;
  if (isEntry(value)) return entryText(value);
  if (isPosition(value)) return `${value.index}@${value.term}`;
  if (isResult(value)) return resultText(value);
  return `{${fieldsText('kind' in value ? `${value.kind}` : '', value)}}`;
}

function requestText(request: EntryRequest): string {
  if (request.kind === 'openSession') return 'openSession';
  if (request.kind === 'closeSession') return `closeSession ${request.session} ${request.reason}`;
  if (request.kind === 'expire') {
    const due = request.due.map(
      ({ key, expiresAt, isDeleted }) =>
        `${valueText('', key)}@${expiresAt} ${isDeleted ? 'deleted' : 'stale'}`,
    );
    return `expire ${due.join('+')}`;
  }
  const mutations = request.mutations.map(mutationText).join('+');
  const changes = mutations === '' ? '-' : mutations;
  return `${request.session}#${request.sequence} ${changes} -> ${resultText(request.result)}`;
}

function mutationText(mutation: Mutation): string {
  const key = valueText('', mutation.key);
  if (mutation.kind === 'del') return `del(${key})`;
  const { value, expiresAt, formerExpiry } = mutation;
  const until = expiresAt === undefined ? '' : `(until ${expiresAt})`;
  const instead = formerExpiry === undefined ? '' : `(instead of ${formerExpiry})`;
  return `${key}=${valueText('', value)}${until}${instead}`;
}

function resultText(result: WriteResult): string {
  const revision = revisionText(result.revision);
  switch (result.kind) {
    case 'written':
      return `written:${revision}`;
    case 'counter':
      return `counter:${result.value}:${revision}`;
    case 'conflict':
      return `conflict:${result.condition}:${revision}`;
    case 'notAnInteger':
      return `notAnInteger:${revision}`;
    case 'resultTooLarge':
      return `resultTooLarge:${revision}`;
    case 'cleared': {
      const behind = result.behind === undefined ? '' : ` behind ${bytesText(result.behind)}`;
      return `cleared:${result.deleted}${behind}:${revision}`;
    }
    case 'transaction':
      return `${result.branch}:[${result.steps.map(stepText).join(' ')}]:${revision}`;
  }
}

function stepText(step: StepResult): string {
  switch (step.kind) {
    case 'changed':
      return `@${revisionText(step.revision)}`;
    case 'counter':
      return `${step.value}@${revisionText(step.revision)}`;
    case 'found':
      return `${bytesText(step.value)}@${revisionText(step.revision)}`;
    case 'missing':
      return '-';
  }
}

function isEntry(value: object): value is Entry {
  return 'body' in value && 'previousTerm' in value;
}

function isPosition(value: object): value is { index: number; term: number } {
  return Object.keys(value).length === 2 && 'index' in value && 'term' in value;
}

function isResult(value: object): value is WriteResult {
  return 'kind' in value && RESULT_KINDS.includes(`${value.kind}`);
}

function round(value: number): number {
  return Math.round(value * 100) / 100;
}
