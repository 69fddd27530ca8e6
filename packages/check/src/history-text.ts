import type { HistoryEvent, HistoryOperationKind } from './history-event.ts';

const TYPES: readonly string[] = ['invoke', 'ok', 'fail', 'info'] satisfies HistoryEvent['type'][];
const OPERATIONS: readonly string[] = [
  'get',
  'put',
  'cas',
  'delete',
  'increment',
] satisfies HistoryOperationKind[];

/** A history as JSON lines, one event a line. */
export function formatHistory(events: readonly HistoryEvent[]): string {
  return events.map((event) => `${JSON.stringify(event)}\n`).join('');
}

/** Reads JSON lines; empty lines are skipped. Throws a SyntaxError that names the line. */
export function parseHistory(text: string): HistoryEvent[] {
  const events: HistoryEvent[] = [];
  for (const [position, line] of text.split('\n').entries()) {
    if (line.trim() === '') continue;
    events.push(parseEvent(line, position + 1));
  }
  return events;
}

function parseEvent(line: string, lineNumber: number): HistoryEvent {
  let event: Partial<HistoryEvent> | null;
  try {
    event = JSON.parse(line) as Partial<HistoryEvent> | null;
  } catch (cause) {
    throw new SyntaxError(`history line ${lineNumber}: not JSON`, { cause });
  }
  const problem = problemOf(event);
  if (problem !== undefined) throw new SyntaxError(`history line ${lineNumber}: ${problem}`);
  return event as HistoryEvent;
}

function problemOf(event: Partial<HistoryEvent> | null): string | undefined {
  if (typeof event !== 'object' || event === null) return 'not an object';
  if (typeof event.process !== 'string' && typeof event.process !== 'number') return 'no process';
  if (typeof event.key !== 'string') return 'no key';
  if (!TYPES.includes(String(event.type))) return `unknown type ${JSON.stringify(event.type)}`;
  if (!OPERATIONS.includes(String(event.op))) return `unknown operation ${JSON.stringify(event.op)}`;
  return undefined;
}
