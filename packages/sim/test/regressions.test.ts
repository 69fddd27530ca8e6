import { readdirSync, readFileSync } from 'node:fs';
import { basename } from 'node:path';
import { expect, it } from 'vitest';
import { type MarkName, parseSchedule, RunFailure, type RunReport, trySchedule } from '../src/index.ts';

const FOLDER = new URL('regressions/', import.meta.url);
const FILES = readdirSync(FOLDER).sort();

/** The rare paths that each is kept for: one that no longer takes them passes, and shows nothing. */
const KEPT_FOR: Readonly<Record<string, readonly MarkName[]>> = {
  'age-by-the-clock-of-an-earlier-run': ['messageRepeated', 'termOfVoteRecovered'],
  'batch-of-a-store-that-is-gone': ['diskFull', 'snapshotInstalled'],
  'cluster-told-before-it-is-durable': ['diedWithUnsynced', 'tailLost'],
  'entries-dropped-under-a-damaged-store': ['entriesDropped', 'holeFound'],
  'frozen-after-the-faults': ['switchoverOrdered'],
  'genesis-lost-in-a-crash': ['diedWithUnsynced', 'tailLost'],
  'hole-at-the-end-of-what-a-snapshot-replaces': ['holeFound', 'snapshotOverLog'],
  'local-write-on-its-way-to-a-later-primary': ['divergenceFiled', 'twoPrimariesAtOnce'],
  'log-behind-its-store': ['logLost', 'hardStateLost'],
  'log-fails-while-the-store-opens': ['syncFailed', 'stoppedByDisk'],
  'match-while-a-snapshot-waits': ['twoPrimariesAtOnce', 'snapshotFailed', 'snapshotInstalled'],
  'no-room-to-list-what-was-lost': ['divergenceFiled', 'diskFull', 'diskHasRoom'],
  'no-room-to-open-a-snapshot': ['snapshotInstalled', 'diskFull', 'diskHasRoom'],
  'reads-let-through-while-a-store-opens': ['diskFull'],
  'repair-asks-who-is-out': ['wipedFoundOut', 'holeFound', 'entriesPulled', 'snapshotInstalled'],
  'scan-on-a-snapshot-of-a-reopened-store': ['diskFull', 'diskHasRoom'],
  'session-read-behind-its-own-write': ['primarySuspected', 'termOfVoteRecovered'],
  'session-refused-while-its-expiry-waits': ['queueFull'],
  'snapshot-answer-lost': ['diedBeforeSwap', 'snapshotFailed'],
  'standbys-that-are-out-of-their-cluster': ['wentBackFoundOut'],
  'store-damaged-before-formation': ['storeUnusable', 'snapshotInstalled'],
  'store-damaged-while-its-disk-was-full': ['diskFull', 'storeUnusable'],
  'store-fails-in-two-runs': ['readFailed', 'stoppedByDisk', 'holeFound'],
  'store-that-says-not-why': ['syncFailed', 'stoppedByDisk'],
  'sync-of-a-store-fails-at-two-starts': ['syncFailed', 'diedWithUnsynced'],
  'term-of-a-candidate-that-never-won': ['electionLost'],
  'token-of-an-earlier-term-handed-on': ['divergenceFiled', 'sessionDiverged'],
  'unreadable-list-cut-off': ['divergenceFiled', 'readFailed'],
  'verdict-lost-before-it-was-durable': ['diedWithUnsynced'],
};

/** Kept for something that no rare path tells. */
const SHOWN_OTHERWISE: Readonly<Record<string, (report: RunReport) => void>> = {
  // A piece of it takes longer than a transfer that does not move is waited for.
  'snapshot-over-a-slow-link': ({ marks }) => {
    expect(marks.get('snapshotInstalled')).toBe(1);
    expect(marks.has('snapshotFailed')).toBe(false);
  },
  // Its only write is of a key that is not watched.
  'watch-told-of-marks-alone': ({ mutationsTold }) => expect(mutationsTold).toBe(0),
};

it.each(FILES)('%s, which failed once, passes on the path that it is kept for', async (file) => {
  const outcome = await trySchedule(parseSchedule(readFileSync(new URL(file, FOLDER), 'utf8')));
  if (outcome instanceof RunFailure)
    throw new Error(`${outcome.kind}: ${outcome.message}`, { cause: outcome });
  const name = basename(file, '.json');
  const show = SHOWN_OTHERWISE[name];
  if (show !== undefined) show(outcome);
  else expect([...outcome.marks.keys()]).toEqual(expect.arrayContaining([...(KEPT_FOR[name] ?? [])]));
});

it('knows of each what it is kept for', () => {
  const known = [...Object.keys(KEPT_FOR), ...Object.keys(SHOWN_OTHERWISE)];
  expect(known.map((name) => `${name}.json`).sort()).toEqual(FILES);
  for (const [name, marks] of Object.entries(KEPT_FOR)) expect(marks.length, name).toBeGreaterThan(0);
});
