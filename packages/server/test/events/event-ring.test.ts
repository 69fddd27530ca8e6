import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { EventRing, type NodeEvent } from '../../src/events/event-ring.ts';
import { ManualClock } from './manual-clock.ts';

function ringOf(eventsMax: number, subscribersMax = 4): EventRing {
  return new EventRing({ clock: new ManualClock(), eventsMax, subscribersMax });
}

describe('the ring', () => {
  test('numbers events from 1 and gives both times', () => {
    const event = ringOf(4).record({ kind: 'election', term: 3 });
    expect(event).toStrictEqual({ id: 1, at: 1000, wallTime: 1_700_000_001_000, kind: 'election', term: 3 });
  });

  test('an event cannot bring its own id or times', () => {
    expect(ringOf(4).record({ kind: 'x', id: 9, at: 9, wallTime: 9 })).toMatchObject({ id: 1, at: 1000 });
  });

  test('holds the newest, whatever was recorded and asked for', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 9 }), fc.nat(30), fc.nat(40), (size, recorded, after) => {
        const ring = ringOf(size);
        for (let count = 0; count < recorded; count += 1) ring.record({ kind: 'x' });
        const all = Array.from({ length: recorded }, (_, place) => place + 1);
        expect(ring.after(after).map((event) => event.id)).toStrictEqual(
          all.slice(-size).filter((id) => id > after),
        );
      }),
    );
  });

  test('tells subscribers of each new event until they cancel', () => {
    const ring = ringOf(2);
    const seen: NodeEvent[] = [];
    const subscription = ring.subscribe((event) => seen.push(event));
    ring.record({ kind: 'a' });
    ring.record({ kind: 'b' });
    subscription?.cancel();
    ring.record({ kind: 'c' });
    expect(seen.map((event) => event.kind)).toStrictEqual(['a', 'b']);
  });

  test('takes only so many subscribers, and another once one has gone', () => {
    const ring = ringOf(2, 2);
    const first = ring.subscribe(() => {});
    expect(ring.subscribe(() => {})).toBeDefined();
    expect(ring.subscribe(() => {})).toBeUndefined();
    first?.cancel();
    expect(ring.subscribe(() => {})).toBeDefined();
    expect(ring.subscribers).toBe(2);
  });
});
