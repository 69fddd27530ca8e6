import { FAULT_TYPES } from '../faults/fault-types.ts';
import type { Schedule } from './schedule.ts';

/** JSON with a line for each fault and each call: to be read, changed by hand and compared. */
export function formatSchedule(schedule: Schedule): string {
  const { faults, clients, ...rest } = schedule;
  const parts = Object.entries(rest).map(([name, value]) => `  "${name}": ${JSON.stringify(value)}`);
  parts.push(`  "faults": ${list(faults.map(inline), '  ')}`);
  const written = clients.map(({ host, threads, ...more }) => {
    const calls = threads.map((thread) => list(thread.map(inline), '      '));
    const others = Object.entries(more).map(
      ([name, items]) => `,\n      "${name}": ${list(items.map(inline), '      ')}`,
    );
    return `{\n      "host": ${inline(host)},\n      "threads": ${list(calls, '      ')}${others.join('')}\n    }`;
  });
  parts.push(`  "clients": ${list(written, '  ')}`);
  return `{\n${parts.join(',\n')}\n}\n`;
}

/** Throws if it is none. */
export function parseSchedule(text: string): Schedule {
  const schedule = JSON.parse(text) as Schedule;
  const { seed, cluster, workMs, faults, clients, majority } = schedule;
  const isOne =
    typeof seed === 'number' &&
    typeof cluster?.nodes === 'number' &&
    typeof workMs === 'number' &&
    [faults, clients, majority].every(Array.isArray);
  if (!isOne) throw new Error('not a schedule');
  const unknown = faults.find(({ kind }) => !Object.hasOwn(FAULT_TYPES, kind));
  if (unknown !== undefined) throw new Error(`there is no fault of kind ${unknown.kind}`);
  return schedule;
}

function list(items: readonly string[], indent: string): string {
  if (items.length === 0) return '[]';
  return `[\n${items.map((item) => `${indent}  ${item}`).join(',\n')}\n${indent}]`;
}

function inline(value: unknown): string {
  return JSON.stringify(value);
}
