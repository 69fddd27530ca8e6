import type { DivergedWrite } from './diverged-entries.ts';
import { partsOf, readMark } from './marks.ts';
import type { ReapplyDatabase } from './reapply.ts';

/** Whether `key` has `revision` from the re-application of one of `writes`, oldest first, all of which change it: their marks tell. */
export async function isFrom(
  writes: readonly DivergedWrite[],
  key: Buffer,
  revision: number,
  database: Pick<ReapplyDatabase, 'read'>,
): Promise<boolean> {
  // Nearly always from the last.
  for (const write of writes.toReversed()) {
    const part = partsOf(write).find(({ mutations }) => mutations.some((one) => one.key.equals(key)));
    const mark =
      part === undefined ? undefined : await database.read(part.mark, { consistency: 'linearizable' });
    if (mark === undefined) continue;
    const { id, count } = readMark(mark.value);
    if (id === write.id && mark.revision - count <= revision && revision < mark.revision) return true;
  }
  return false;
}
