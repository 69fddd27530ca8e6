import { describe, expect, test } from 'vitest';
import { EventRing } from '../../src/events/event-ring.ts';
import { type EventSink, EventStream } from '../../src/events/event-stream.ts';
import { ManualClock } from './manual-clock.ts';

const BOOT = 'ab'.repeat(16);

class ArraySink implements EventSink {
  text = '';
  unsentBytes = 0;
  ended = false;
  destroyed = false;

  write(text: string): void {
    this.text += text;
  }

  end(): void {
    this.ended = true;
  }

  destroy(): void {
    this.destroyed = true;
  }

  /** Ids of the events sent, without the name of the run. */
  get ids(): number[] {
    return [...this.text.matchAll(/^id: [0-9a-f]+:(\d+)$/gm)].map((match) => Number(match[1]));
  }
}

function setUp(options: { recorded: number; eventsMax?: number; subscribersMax?: number }): {
  ring: EventRing;
  clock: ManualClock;
  open(after?: string, follow?: boolean): { sink: ArraySink; stream: EventStream | undefined };
} {
  const clock = new ManualClock();
  const ring = new EventRing({
    clock,
    eventsMax: options.eventsMax ?? 8,
    subscribersMax: options.subscribersMax ?? 8,
  });
  for (let count = 0; count < options.recorded; count += 1) ring.record({ kind: 'tick', count });
  const open = (after?: string, follow = true): { sink: ArraySink; stream: EventStream | undefined } => {
    const sink = new ArraySink();
    return { sink, stream: EventStream.open({ ring, clock, boot: BOOT, sink, after, follow }) };
  };
  return { ring, clock, open };
}

describe('a stream of events', () => {
  test('begins with what the ring holds and goes on with what happens', () => {
    const { ring, open } = setUp({ recorded: 3 });
    const { sink } = open();
    ring.record({ kind: 'stepDown', reason: 'no majority\nfor long' });
    expect(sink.ids).toStrictEqual([1, 2, 3, 4]);
    const last = sink.text.trimEnd().split('\n').at(-1) ?? '';
    expect(JSON.parse(last.replace('data: ', ''))).toMatchObject({
      id: 4,
      kind: 'stepDown',
      reason: 'no majority\nfor long',
    });
  });

  test.each([
    ['an id of this run', `${BOOT}:2`, [3, 4]],
    ['a bare id', '2', [3, 4]],
    ['the newest id', '4', []],
    ['an id of another run', `${'cd'.repeat(16)}:2`, [1, 2, 3, 4]],
    ['an id that was never given', '77', [1, 2, 3, 4]],
    ['anything else', 'never', [1, 2, 3, 4]],
    ['a negative id', '-1', [1, 2, 3, 4]],
  ])('resumes after %s', (_, after, expected) => {
    const { open } = setUp({ recorded: 4 });
    expect(open(after).sink.ids).toStrictEqual(expected);
  });

  test('says how many events fell out of the ring', () => {
    const { open } = setUp({ recorded: 20, eventsMax: 5 });
    const { sink } = open('3');
    expect(sink.ids).toStrictEqual([16, 17, 18, 19, 20]);
    expect(sink.text).toContain('event: missed\ndata: {"missed":12}\n\n');
    expect(open('15').sink.text).not.toContain('missed');
  });

  test('ends after the backlog when it is not to follow', () => {
    const { ring, clock, open } = setUp({ recorded: 2 });
    const { sink } = open(undefined, false);
    expect(sink.ended).toBe(true);
    expect(sink.ids).toStrictEqual([1, 2]);
    expect(ring.subscribers).toBe(0);
    expect(clock.pendingTimers).toBe(0);
  });

  test('sends a comment now and then', () => {
    const { clock, open } = setUp({ recorded: 0 });
    const { sink } = open();
    clock.advance(31_000);
    expect(sink.text.match(/^: still here$/gm)).toHaveLength(2);
  });

  test('drops a reader that does not read, on the next event or comment', () => {
    const { ring, clock, open } = setUp({ recorded: 0 });
    const [slow, idle, quick] = [open(), open(), open()];
    slow.sink.unsentBytes = 2 ** 20 + 1;
    ring.record({ kind: 'a' });
    expect(slow.sink.destroyed).toBe(true);
    expect(slow.sink.ids).toStrictEqual([]);
    idle.sink.unsentBytes = 2 ** 20 + 1;
    clock.advance(15_000);
    expect(idle.sink.destroyed).toBe(true);
    expect(ring.subscribers).toBe(1);
    ring.record({ kind: 'b' });
    expect(quick.sink.ids).toStrictEqual([1, 2]);
    expect(quick.sink.destroyed).toBe(false);
  });

  test('is refused, silently, when too many read; not when it will not follow', () => {
    const { open } = setUp({ recorded: 1, subscribersMax: 1 });
    const first = open();
    const refused = open();
    expect(refused.stream).toBeUndefined();
    expect(refused.sink.text).toBe('');
    expect(open(undefined, false).sink.ids).toStrictEqual([1]);
    first.stream?.close();
    expect(open().stream).toBeDefined();
  });

  test('leaves nothing behind when it is closed', () => {
    const { ring, clock, open } = setUp({ recorded: 1 });
    const { sink, stream } = open();
    stream?.close();
    ring.record({ kind: 'late' });
    expect(sink.ids).toStrictEqual([1]);
    expect(ring.subscribers).toBe(0);
    expect(clock.pendingTimers).toBe(0);
  });
});
