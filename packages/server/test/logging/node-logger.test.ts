import type { NodeId, Term } from '@holdfast/types';
import { expect, test } from 'vitest';
import { buildLogger, logRoleChange } from '../../src/logging/node-logger.ts';

function collecting(): { lines: Record<string, unknown>[]; write(line: string): void } {
  const lines: Record<string, unknown>[] = [];
  return { lines, write: (line) => lines.push(JSON.parse(line)) };
}

const node = 'n1' as NodeId;
const term = 7 as Term;

test('a change of role is one line with term and reason', () => {
  const destination = collecting();
  const logger = buildLogger({ node, level: 'info', destination });
  logRoleChange(logger, { kind: 'role', role: 'primary', term, reason: 'elected by n1, n2', primary: node });
  logRoleChange(logger, {
    kind: 'role',
    role: 'standby',
    term,
    reason: 'heard a heartbeat',
    primary: 'n2' as NodeId,
  });
  expect(destination.lines).toHaveLength(2);
  expect(destination.lines[0]).toMatchObject({
    level: 'info',
    node: 'n1',
    event: 'role',
    role: 'primary',
    term: 7,
    msg: 'primary in term 7: elected by n1, n2',
  });
  expect(destination.lines[1]).toMatchObject({
    primary: 'n2',
    msg: 'standby of n2 in term 7: heard a heartbeat',
  });
});

test('below its level nothing is written', () => {
  const destination = collecting();
  const logger = buildLogger({ node, level: 'warn', destination });
  logger.info('quiet');
  logger.warn('loud');
  expect(destination.lines.map((line) => line.msg)).toStrictEqual(['loud']);
});
