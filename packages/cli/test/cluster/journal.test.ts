import type { NodeEvent } from '@holdfast/server';
import { beforeEach, describe, expect, it } from 'vitest';
import { FailoverStory } from '../../src/cluster/failover-story.ts';
import { Journal, type JournalEntry } from '../../src/cluster/journal.ts';

let lastId = 0;

function event(wallTime: number, kind: string, fields: object = {}): NodeEvent {
  lastId += 1;
  return { id: lastId, at: wallTime, wallTime, kind, ...fields };
}

const primary = (at: number): NodeEvent => event(at, 'role', { role: 'primary', term: 2, reason: 'elected' });
const suspicion = (at: number, of: string): NodeEvent => event(at, 'suspicion', { of, reason: 'closed' });
const promotion = (at: number): NodeEvent => event(at, 'promotion', { term: 2, index: 9 });
const ended = (node: string, at: number, reason = 'SIGKILL', isOrderly = false) =>
  ({ kind: 'ended', node, at, reason, isOrderly }) as const;

describe('the story of a failover', () => {
  it('reads as one line', () => {
    const story = new FailoverStory({ node: 'n1', ending: 'died', at: 1000 });
    expect(String(story)).toBe('n1 died');
    expect(story.tell('n2', suspicion(1003, 'n1'))).toBe(true);
    expect(story.tell('n2', primary(1009))).toBe(true);
    expect(story.isComplete).toBe(false);
    expect(story.tell('n2', promotion(1014))).toBe(true);
    expect(story.isComplete).toBe(true);
    expect(String(story)).toBe(
      'n1 died · n2 suspected it after 3 ms · elected after 9 ms · first write possible after 14 ms',
    );
  });

  it('names who was elected if another suspected first, whatever the order of arrival', () => {
    const story = new FailoverStory({ node: 'n1', ending: 'died', at: 1000 });
    story.tell('n3', primary(1020));
    story.tell('n3', suspicion(1009, 'n1'));
    story.tell('n2', suspicion(1004, 'n1'));
    expect(String(story)).toBe('n1 died · n2 suspected it after 4 ms · n3 elected after 20 ms');
  });

  it('takes nothing for its own that is not', () => {
    const story = new FailoverStory({ node: 'n1', ending: 'paused', at: 1000 });
    expect(story.tell('n2', suspicion(1003, 'n3'))).toBe(false);
    expect(story.tell('n1', primary(1003))).toBe(false);
    expect(story.tell('n2', primary(900))).toBe(false);
    expect(story.tell('n2', event(1005, 'role', { role: 'standby' }))).toBe(false);
    expect(String(story)).toBe('n1 paused');
  });
});

describe('the journal', () => {
  let lines: JournalEntry[];
  let journal: Journal;
  const texts = (): string[] => journal.entries.map(({ text }) => text);

  beforeEach(() => {
    lines = [];
    journal = new Journal((entry) => lines.push(entry));
    journal.event('n1', primary(500));
    journal.event('n1', promotion(510));
    lines.length = 0;
  });

  it('tells the death of a primary as a story, printed once it is whole', () => {
    journal.process(ended('n1', 1000));
    journal.event('n2', suspicion(1003, 'n1'));
    journal.event('n2', primary(1009));
    expect(texts().at(-1)).toBe('n1 died · n2 suspected it after 3 ms · elected after 9 ms');
    expect(lines).toEqual([]);
    journal.event('n2', promotion(1014));
    expect(lines).toHaveLength(1);
    expect(lines[0]?.text).toMatch(/first write possible after 14 ms$/);
    expect(journal.primary).toBe('n2');
  });

  it('tells it the same when the others noticed before the system told the parent', () => {
    journal.event('n2', suspicion(1003, 'n1'));
    journal.event('n2', primary(1009));
    journal.process(ended('n1', 1010));
    journal.event('n2', promotion(1014));
    expect(texts().slice(2)).toEqual([
      'n1 died · n2 suspected it after 0 ms · elected after 6 ms · first write possible after 11 ms',
    ]);
  });

  it('does not wait for ever for a primary', () => {
    journal.process(ended('n1', 1000));
    journal.settle(3999);
    expect(lines).toEqual([]);
    journal.settle(4000);
    journal.settle(5000);
    expect(lines.map(({ text }) => text)).toEqual(['n1 died · no primary yet']);
  });

  it('tells a hand-over, and not the stepping down that belongs to it', () => {
    journal.event('n1', event(1000, 'switchover', { target: 'n3', state: 'started' }));
    journal.event('n1', event(1002, 'stepDown', { term: 1, reason: 'n3 stands' }));
    journal.event('n3', primary(1004));
    journal.event('n3', promotion(1007));
    expect(lines.map(({ text }) => text)).toEqual([
      'n1 hands over to n3 · elected after 4 ms · first write possible after 7 ms',
    ]);
  });

  it('says when a hand-over was given up', () => {
    journal.event('n1', event(1000, 'switchover', { target: 'n3', state: 'started' }));
    journal.event('n1', event(1400, 'switchover', { target: 'n3', state: 'givenUp' }));
    expect(texts().at(-1)).toBe('n1 switchover to n3 given up');
    journal.settle(9000);
    expect(lines).toHaveLength(1);
  });

  it('says of a standby that it died, and of whoever ended by itself why', () => {
    journal.process(ended('n2', 1000));
    journal.process(ended('n3', 1001, 'exit status 1: HOLDFAST_DISK_FAILED: no'));
    journal.process(ended('n1', 1002, 'exit status 0', true));
    expect(lines.map(({ text }) => text)).toEqual([
      'n2 died',
      'n3 ended: exit status 1: HOLDFAST_DISK_FAILED: no',
      'n1 stopped',
    ]);
  });

  it('says once that the cluster has formed', () => {
    for (const node of ['n1', 'n2', 'n3'])
      journal.event(node, event(600, 'formed', { cluster: 'abcdef0123456789' }));
    expect(lines.map(({ text }) => text)).toEqual(['all nodes have met: cluster abcdef01 is formed']);
  });

  it('keeps a bounded number of lines', () => {
    for (let at = 0; at < 1000; at += 1) journal.process(ended('n2', at));
    expect(journal.entries).toHaveLength(200);
  });
});
