import type { Notice, Role } from '@holdfast/core';
import type { NodeId, Term } from '@holdfast/types';
import { expect, test } from 'vitest';
import { buildLogger } from '../../src/logging/node-logger.ts';
import { RoleLog } from '../../src/logging/role-log.ts';

const node = 'n1' as NodeId;
const peer = 'n2' as NodeId;

function logged(...notices: Notice[]): Record<string, unknown>[] {
  const lines: Record<string, unknown>[] = [];
  const destination = { write: (line: string) => lines.push(JSON.parse(line)) };
  const log = new RoleLog(buildLogger({ node, level: 'info', destination }), node);
  for (const notice of notices) log.tell(notice);
  return lines.map(({ node: _node, pid: _pid, time: _time, ...line }) => line);
}

const role = (is: Role, term: number, reason: string, primary?: NodeId): Notice => ({
  kind: 'role',
  role: is,
  term: term as Term,
  reason,
  ...(primary === undefined ? {} : { primary }),
});

test('a change of role is one line with term and reason', () => {
  const lines = logged(
    role('candidate', 7, 'pre-vote won'),
    role('primary', 7, 'elected by a majority', node),
    role('standby', 8, 'n2 is in term 8'),
  );
  expect(lines).toEqual([
    {
      level: 'info',
      event: 'role',
      role: 'candidate',
      term: 7,
      reason: 'pre-vote won',
      msg: 'candidate in term 7: pre-vote won',
    },
    {
      level: 'info',
      event: 'role',
      role: 'primary',
      term: 7,
      reason: 'elected by a majority',
      primary: 'n1',
      msg: 'primary in term 7: elected by a majority',
    },
    {
      level: 'warn',
      event: 'role',
      role: 'standby',
      term: 8,
      reason: 'n2 is in term 8',
      msg: 'standby in term 8: n2 is in term 8',
    },
  ]);
});

test('another primary is none, and a line of its own', () => {
  const lines = logged(
    role('standby', 7, 'n2 is primary', peer),
    role('standby', 9, 'n3 is primary', 'n3' as NodeId),
  );
  expect(lines).toMatchObject([
    { event: 'role', role: 'standby', primary: 'n2', msg: 'standby of n2 in term 7: n2 is primary' },
    { event: 'primary', primary: 'n3', msg: 'follows n3 in term 9: n3 is primary' },
  ]);
});

test('a node that is out has another role, and one that sees others go has not', () => {
  const out = (who: NodeId): Notice => ({ kind: 'excluded', peer: who, term: 3 as Term, reason: 'wiped' });
  expect(logged(out(peer), out(node))).toMatchObject([
    { level: 'warn', event: 'role', role: 'excluded', term: 3, msg: 'excluded in term 3: wiped' },
  ]);
});
