import { keepRandomly, SimDisk } from '@holdfast/sim';
import { HoldfastError, type LogIndex } from '@holdfast/types';
import { describe, expect, it } from 'vitest';
import { entriesRecord, entry, testCodec } from './support/entries.ts';
import { DIRECTORY, expectSound, Harness } from './support/harness.ts';
import { below, forSeeds } from './support/seeds.ts';

function append(log: Harness, count: number): void {
  for (let number = 0; number < count; number++) {
    const { index, term } = log.model.last;
    log.append(entriesRecord(entry({ index: index + 1, term: 1, previousTerm: term })));
  }
}

describe('a failing disk', () => {
  it.each(['sync', 'write'] as const)(
    'ends the log at the first failed %s; what waited is unknown for ever',
    async (operation) => {
      const log = await new Harness().open();
      await log.settle();
      append(log, 2);
      await log.settle();
      log.disk.inject({ operation, code: 'EIO' });
      append(log, 2);
      await log.settle();
      append(log, 2);
      await log.clock.advance(1000);
      expect(log.failures).toHaveLength(1);
      expect(log.durableCalls).toEqual([2]);
      await log.close();
      expect(log.failures).toHaveLength(1);
      expect(log.durableCalls).toEqual([2]);
    },
  );

  it('at any operation loses nothing that was reported, whatever of the rest reached the disk', async () => {
    await forSeeds(40, 'failure.test.ts', async (random) => {
      const log = await new Harness().open();
      await log.settle();
      log.disk.inject({
        operation: ['write', 'sync', 'syncDirectory', 'open', 'rename', 'remove', 'stat'],
        code: 'EIO',
        after: below(random, 30),
        times: random.next() < 0.5 ? 1 : Number.POSITIVE_INFINITY,
      });
      for (let group = 0; group < 16; group++) {
        append(log, 1 + below(random, 3));
        await log.clock.advance(below(random, 2) * 10);
      }
      expect(log.failures.length).toBeLessThanOrEqual(1);
      // The program stops, and starts again on what the page cache shows; then the power fails.
      const restarted = await log.again(log.disk.afterCrash({ keep: 'all' }));
      await expectSound(restarted);
      await expectSound(await restarted.again(restarted.disk.afterCrash({ keep: keepRandomly(random) })));
      await expectSound(await log.again(log.disk.afterCrash({ keep: keepRandomly(random) })));
    });
  });

  it('whose sync failed and then seems to work does not make recovery trust what it reads', async () => {
    const log = await new Harness().open();
    await log.settle();
    append(log, 1);
    log.disk.inject({ operation: 'sync', code: 'EIO' });
    await log.settle();
    expect(log.failures).toHaveLength(1);
    // The same machine: what the failed sync did not write is still read from the page cache, and later syncs leave it out.
    const again = await log.again(log.disk.clone());
    const { ticket } = again.recovered;
    expect(ticket).toBe(1);
    await expectSound(await again.again(again.disk.afterCrash({ keep: 'synced' })));
    expect((await again.again(again.disk.afterCrash({ keep: 'synced' }))).recovered.ticket).toBe(ticket);
  });

  it('that drops the removal of a segment brings it back, and what lacks between is a hole below the cut', async () => {
    const log = await new Harness().open();
    for (let group = 0; group < 30; group++) {
      append(log, 1);
      await log.settle();
    }
    const { first } = log.wal;
    const oldest = `${DIRECTORY}/0000000001.wal`;
    log.disk.inject({ operation: 'syncDirectory', code: 'EIO', drops: true });
    await expect(log.clock.drive(log.wal.removeHead({ below: 10 as LogIndex }))).rejects.toThrow('EIO');
    const next = await log.again(log.disk.clone());
    await expectSound(next, { below: 10 });
    await next.clock.drive(next.wal.removeHead({ below: 25 as LogIndex }));
    const crashed = next.disk.afterCrash({ keep: 'synced' });
    expect([...crashed.files(DIRECTORY).keys()]).toContain(oldest);
    const last = await next.again(crashed);
    const { holes, hardState, exclusion, first: found, last: newest } = last.recovered;
    // As wide as the segments that lack between: whose store goes on from above it needs nothing of that.
    expect(holes).toHaveLength(1);
    expect(holes[0]!.to).toBeLessThan(25);
    expect([found, newest, exclusion]).toEqual([first, next.model.last, undefined]);
    expect(hardState).toEqual(next.model.hardState);
    const above = await last.clock.drive(
      last.wal.read({ from: 25 as LogIndex, to: newest.index, bytesMax: 1 << 20 }),
    );
    expect(above?.map(({ index }) => index)).toEqual(
      Array.from({ length: newest.index - 24 }, (_, place) => 25 + place),
    );
  });

  it('that cannot read a block loses that block only', async () => {
    const log = await new Harness({ segmentBytes: 1 << 20 }).open();
    for (let group = 0; group < 20; group++) {
      append(log, 1);
      await log.settle();
    }
    await log.clock.advance(20);
    const disk = log.disk.afterCrash({ keep: 'synced' });
    const unreadable = { from: 3 * 4096, to: 4 * 4096 };
    const next = new Harness({ disk: withUnreadable(disk, unreadable) });
    await next.open();
    expect(next.recovered.holes).toEqual([{ from: 2, to: 2 }]);
    expect(next.recovered.last.index).toBe(20);
  });
});

describe('opening', () => {
  it('refuses the log of another disk', async () => {
    const log = await new Harness().open();
    append(log, 1);
    await log.close();
    const error = await new Harness({ disk: log.disk })
      .open({ diskId: 'a'.repeat(32) as never })
      .catch((reason) => reason);
    expect(error).toBeInstanceOf(HoldfastError);
    expect(error.code).toBe('HOLDFAST_CORRUPT_LOG');
  });

  it('does not take entries of a newer version for damage', async () => {
    const log = await new Harness().open();
    append(log, 2);
    await log.close();
    const newer = new HoldfastError('HOLDFAST_VERSION_MISMATCH', 'an entry of format 9');
    const codec = {
      ...testCodec,
      decode: () => {
        throw newer;
      },
    };
    await expect(new Harness({ disk: log.disk }).open({ codec })).rejects.toBe(newer);
    await expectSound(await log.again());
  });

  it('sees that all segments were taken away', async () => {
    const log = await new Harness().open();
    append(log, 1);
    await log.close();
    for (const name of await log.disk.list(DIRECTORY))
      if (name.endsWith('.wal')) await log.disk.remove(`${DIRECTORY}/${name}`);
    const next = await new Harness({ disk: log.disk }).open();
    expect(next.recovered.exclusion).toBe('hard-state-lost');
    const again = await new Harness({ disk: next.disk.afterCrash({ keep: 'synced' }) }).open();
    expect(again.recovered.exclusion).toBe('hard-state-lost');
  });

  it('is out when the only segment is destroyed, and stays out', async () => {
    const log = await new Harness().open();
    append(log, 4);
    await log.clock.advance(20);
    const next = await new Harness({ disk: withDestroyed(log.disk, 1) }).open();
    expect(next.recovered.exclusion).toBe('hard-state-lost');
    append(next, 1);
    await next.settle();
    const again = await new Harness({ disk: next.disk.afterCrash({ keep: 'synced' }) }).open();
    expect(again.recovered.exclusion).toBe('hard-state-lost');
  });

  it('is out when the last segment is destroyed, however much was in it', async () => {
    const log = await new Harness().open();
    for (let group = 0; group < 8; group++) {
      append(log, 1);
      await log.settle();
    }
    await log.clock.advance(20);
    const next = await new Harness({ disk: withDestroyed(log.disk, 2) }).open();
    expect(next.recovered.exclusion).toBe('hard-state-lost');
    const again = await new Harness({ disk: next.disk.afterCrash({ keep: 'synced' }) }).open();
    expect(again.recovered.exclusion).toBe('hard-state-lost');
  });

  it('reports damage to an entry that is read later', async () => {
    const log = await new Harness().open();
    append(log, 3);
    await log.settle();
    log.disk.corrupt(`${DIRECTORY}/0000000001.wal`, 8192 + 144 + 40, 1);
    const range = { from: 1 as LogIndex, to: 3 as LogIndex, bytesMax: 1e6 };
    await expect(log.clock.drive(log.wal.read(range))).rejects.toMatchObject({
      code: 'HOLDFAST_CORRUPT_LOG',
    });
  });
});

/** What a crash leaves of it, with another byte in the place of each of one segment. */
function withDestroyed(disk: SimDisk, segment: number): SimDisk {
  const files = disk.afterCrash({ keep: 'synced' }).snapshotState();
  const path = `${DIRECTORY}/${String(segment).padStart(10, '0')}.wal`;
  files.set(
    path,
    files.get(path)!.map((byte) => byte ^ 0x55),
  );
  return SimDisk.holding(files);
}

/** Reads of the first segment that touch the range fail with EIO, until recovery has made a copy of it. */
function withUnreadable(disk: SimDisk, range: { from: number; to: number }): SimDisk {
  const open = disk.open.bind(disk);
  const rename = disk.rename.bind(disk);
  let copied = false;
  disk.rename = (from, to) => {
    copied = true;
    return rename(from, to);
  };
  disk.open = async (path, options) => {
    const file = await open(path, options);
    if (copied || !path.endsWith('0000000001.wal')) return file;
    const read = file.read.bind(file);
    file.read = async (position, length) => {
      if (position < range.to && position + length > range.from) {
        disk.inject({ operation: 'read', code: 'EIO' });
      }
      return read(position, length);
    };
    return file;
  };
  return disk;
}
