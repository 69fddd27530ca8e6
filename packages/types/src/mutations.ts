import type { Revision } from './brands.ts';
import { type Entry, type Mutation, mutationsOf } from './entry.ts';

/**
 * Calls back for every mutation of an entry with its revision: they count up from the entry's first.
 * The one place that says which revision a mutation has, so that replaying it can only repeat it.
 * `endsRequest`: it is the last of its request, whose mutations are applied together.
 */
export function forEachMutation(
  entry: Entry,
  callback: (mutation: Mutation, revision: Revision, endsRequest: boolean) => void,
): void {
  if (entry.body.kind !== 'requests') return;
  let revision: number = entry.firstRevision;
  for (const request of entry.body.requests) {
    const mutations = mutationsOf(request);
    for (let place = 0; place < mutations.length; place += 1) {
      callback(mutations[place]!, revision as Revision, place === mutations.length - 1);
      revision += 1;
    }
  }
}
