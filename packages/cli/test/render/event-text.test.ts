import type { NodeEvent } from '@holdfast/server';
import { expect, it } from 'vitest';
import { clockTime, eventText } from '../../src/render/event-text.ts';

function textOf(kind: string, fields: object = {}): string {
  return eventText('n1', { id: 1, at: 5, wallTime: 5, kind, ...fields } as NodeEvent);
}

it.each([
  ['role', { role: 'primary', term: 2, reason: 'elected', primary: 'n1' }, 'is primary in term 2: elected'],
  ['role', { role: 'standby', term: 2, reason: 'heard', primary: 'n2' }, 'is standby of n2 in term 2: heard'],
  ['suspicion', { of: 'n2', reason: 'closed' }, 'suspects n2: closed'],
  ['promotion', { term: 2, index: 7, reason: 'opened' }, 'admits writes in term 2: opened'],
  ['primaryKnown', { term: 3 }, 'knows no primary in term 3'],
  ['primaryKnown', { term: 3, primary: 'n2' }, 'follows n2 in term 3'],
  ['excluded', { peer: 'n1', reason: 'wiped' }, 'is excluded: wiped'],
  ['excluded', { peer: 'n2', reason: 'wiped' }, 'takes n2 for excluded: wiped'],
  ['switchover', { target: 'n3', state: 'givenUp' }, 'switchover to n3 given up'],
  ['divergence', { entries: 2, writes: 5, reason: 'lost' }, 'lists 5 writes of 2 entries as diverged: lost'],
  ['repair', { index: 9, state: 'healed', reason: 'pulled' }, 'its log is healed from entry 9: pulled'],
  ['corruption', { what: 'log', where: '/d', reason: 'cut' }, 'its log is damaged in /d: cut'],
])('%s %j', (kind, fields, text) => expect(textOf(kind, fields)).toBe(text));

it('shows what it has no words for as it is', () => {
  expect(textOf('rebalanced', { database: 'default', share: 0.5 })).toBe('rebalanced share=0.5');
});

it('shows the time of day to the millisecond', () => {
  expect(clockTime(new Date(2026, 0, 2, 3, 4, 5, 6).getTime())).toBe('03:04:05.006');
});
