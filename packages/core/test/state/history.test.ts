import type { Entry, TermStart } from '@holdfast/types';
import { lastRevisionOf } from '@holdfast/types';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { judge } from '../../src/state/divergence-judge.ts';
import { History } from '../../src/state/history.ts';
import { entry, index, revision, term, write, written } from '../support/entries.ts';
import { check } from '../support/property.ts';

const GAP = 8;
const start = (inTerm: number, firstIndex: number, firstRevision: number): TermStart => ({
  term: term(inTerm),
  firstIndex: index(firstIndex),
  firstRevision: revision(firstRevision),
});

function history(starts: TermStart[], historyTermsMax = 100): History {
  return new History(starts, { historyTermsMax, revisionGap: GAP });
}

describe('history', () => {
  test('what lies within the gap below a term is lost, and nothing else', () => {
    // Term 1 handed out up to 14; its successor inherited up to 12.
    const known = history([start(1, 1, 9), start(2, 5, 21)]);
    expect(known.verdict(revision(0))).toBe('survived');
    expect(known.verdict(revision(12))).toBe('survived');
    expect(known.verdict(revision(13))).toBe('lost');
    expect(known.verdict(revision(20))).toBe('lost');
    expect(known.verdict(revision(21))).toBe('survived');
    expect(known.verdict(revision(22))).toBe('unknown');
    expect(known.newestSurvivor(revision(13))).toBe(12);
    expect(known.newestSurvivor(revision(12))).toBe(12);
    expect(known.newestSurvivor(revision(40))).toBe(40);
  });

  test('before the first term there is only "no such key"', () => {
    expect(history([]).verdict(revision(0))).toBe('survived');
    expect(history([]).verdict(revision(1))).toBe('unknown');
    expect(history([]).termAt(index(1))).toBeUndefined();
    expect(history([start(1, 1, 9)]).verdict(revision(1))).toBe('lost');
    expect(history([start(1, 1, 9)]).newestSurvivor(revision(5))).toBe(0);
  });

  test('forgets the oldest terms, and says so', () => {
    const known = history([start(1, 1, 9), start(2, 5, 21), start(4, 9, 40)], 2);
    expect(known.starts().map((one) => one.term)).toEqual([2, 4]);
    expect(known.termAt(index(4))).toBeUndefined();
    expect(known.termAt(index(5))).toBe(2);
    expect(known.termAt(index(100))).toBe(4);
    known.add(start(1, 1, 9));
    expect(known.starts()).toHaveLength(2);
  });

  test('starts again brought by a replay change nothing; others are programmer errors', () => {
    const known = history([start(1, 1, 9), start(3, 5, 21)]);
    known.add(start(3, 5, 21));
    known.add(start(1, 1, 9));
    expect(known.starts()).toHaveLength(2);
    expect(() => known.add(start(3, 6, 21))).toThrow('begins twice');
    expect(() => known.add(start(2, 4, 18))).toThrow('begins twice');
    expect(() => known.add(start(4, 5, 50))).toThrow('begins before');
    expect(() => known.add(start(4, 6, 29))).toThrow('no gap');
  });

  test('what was handed out stays as it is', () => {
    const known = history([start(1, 1, 9)]);
    const before = known.starts();
    known.add(start(2, 5, 21));
    expect(before).toHaveLength(1);
  });
});

test('divergence: an entry above applied waits, unless a higher term is applied', () => {
  const known = history([start(1, 1, 9), start(3, 5, 21)]);
  const at = (place: number, inTerm: number): Entry => entry({ index: place, term: inTerm });
  const applied = (place: number, inTerm: number) => ({ index: index(place), term: term(inTerm) });
  const pending = [at(4, 1), at(5, 1), at(6, 2), at(9, 3), at(9, 2)];
  expect(judge(pending, known, applied(6, 3))).toEqual({
    survived: [at(4, 1)],
    lost: [at(5, 1), at(6, 2), at(9, 2)],
    undecided: [],
    pending: [at(9, 3)],
  });
  const early = history([start(1, 1, 9)]);
  expect(judge([at(3, 1), at(6, 2)], early, applied(4, 1))).toMatchObject({
    survived: [at(3, 1)],
    pending: [at(6, 2)],
  });
  const short = history([start(1, 1, 9), start(3, 5, 21)], 1);
  expect(judge([at(4, 1), at(5, 2)], short, applied(6, 3))).toMatchObject({
    undecided: [at(4, 1)],
    lost: [at(5, 2)],
  });
});

type Reign =
  /** How many entries the next primary's log keeps of the one before, from the end on, and what it then logs. */
  {
    readonly dropped: number;
    readonly commits: boolean;
    readonly writes: readonly number[];
    readonly skipTerms: number;
  };

interface World {
  /** The log that won in the end. */
  readonly log: Entry[];
  /** Every entry that was ever logged. */
  readonly logged: Entry[];
}

/** Primaries follow one another: each starts from a prefix of what the last held that keeps all that is committed. */
function play(reigns: readonly Reign[]): World {
  let log: Entry[] = [];
  const logged: Entry[] = [];
  let committed = 0;
  let inTerm = 0;
  for (const reign of reigns) {
    log = log.slice(0, Math.max(committed, log.length - reign.dropped));
    inTerm += 1 + reign.skipTerms;
    const add = (revisions: number, opens: boolean): void => {
      const previous = log[log.length - 1];
      const last = previous === undefined ? 0 : lastRevisionOf(previous);
      const added = entry({
        index: log.length + 1,
        term: inTerm,
        previousTerm: previous?.term ?? 0,
        firstRevision: opens ? last + GAP + 1 : last + 1,
        body: opens
          ? { kind: 'opening', primary: 'n1' as never }
          : {
              kind: 'requests',
              requests: [
                write('1.1.0' as never, {
                  sequence: 1,
                  result: written(last + revisions),
                  mutations: revisions,
                }),
              ],
            },
      });
      log = [...log, added];
      logged.push(added);
    };
    add(1, true);
    // No write is admitted before the opening entry is committed.
    if (!reign.commits) continue;
    committed = log.length;
    const committedRevision = lastRevisionOf(log[committed - 1]!);
    for (const [place, revisions] of reign.writes.entries()) {
      if (lastRevisionOf(log[log.length - 1]!) + revisions - committedRevision > GAP) break;
      add(revisions, false);
      if (place === 0 && reign.skipTerms === 0) committed = log.length;
    }
  }
  return { log, logged };
}

const reigns: fc.Arbitrary<Reign[]> = fc.array(
  fc.record({
    dropped: fc.nat(6),
    commits: fc.boolean(),
    writes: fc.array(fc.nat(3), { maxLength: 4 }),
    skipTerms: fc.nat(1),
  }),
  { minLength: 1, maxLength: 8 },
);

const key = (one: Entry): string => `${one.index}/${one.term}`;

describe('against every log that a run of primaries leaves', () => {
  test('verdict, survivor and term agree with the log that won', () => {
    check(
      fc.property(reigns, (list) => {
        const { log, logged } = play([...list, { dropped: 0, commits: true, writes: [], skipTerms: 0 }]);
        const known = historyOf(log);
        const kept = new Set(log.map(key));
        const last = log[log.length - 1]!;
        const revisionsOf = (one: Entry): number[] =>
          Array.from(
            { length: lastRevisionOf(one) - one.firstRevision + 1 },
            (_, place) => one.firstRevision + place,
          );
        const surviving = new Set(log.flatMap(revisionsOf));
        for (const one of log) expect(known.termAt(one.index)).toBe(one.term);
        for (const one of logged.filter((other) => other.body.kind === 'requests')) {
          for (const at of revisionsOf(one)) {
            expect(surviving.has(at), 'a revision never names two things').toBe(kept.has(key(one)));
            expect(known.verdict(revision(at))).toBe(kept.has(key(one)) ? 'survived' : 'lost');
            const below = [...surviving].filter((other) => other <= at);
            expect(known.newestSurvivor(revision(at))).toBe(below.length === 0 ? 0 : Math.max(...below));
          }
        }
        expect(known.verdict(revision(lastRevisionOf(last) + 1))).toBe('unknown');
      }),
      300,
    );
  });

  test('every superseded entry is judged right, at the first moment it can be', () => {
    check(
      fc.property(reigns, fc.nat(20), (list, appliedCount) => {
        const { log, logged } = play([...list, { dropped: 0, commits: true, writes: [], skipTerms: 0 }]);
        const applied = log.slice(0, 1 + (appliedCount % log.length));
        const last = applied[applied.length - 1]!;
        const judgement = judge(logged, historyOf(applied), { index: last.index, term: last.term });
        const kept = new Set(log.map(key));
        for (const one of judgement.survived) expect(kept.has(key(one))).toBe(true);
        for (const one of judgement.lost) expect(kept.has(key(one))).toBe(false);
        for (const one of judgement.pending) {
          expect(one.index).toBeGreaterThan(last.index);
          expect(one.term).toBeGreaterThanOrEqual(last.term);
        }
        expect(judgement.undecided).toEqual([]);
        const { survived, lost, pending } = judgement;
        expect([...survived, ...lost, ...pending].map(key).sort()).toEqual(logged.map(key).sort());
      }),
      300,
    );
  });
});

function historyOf(log: readonly Entry[]): History {
  const openings = log.filter((one) => one.body.kind === 'opening');
  return history(openings.map((one) => start(one.term, one.index, one.firstRevision)));
}
