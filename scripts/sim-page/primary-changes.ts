import type { Gap, PrimaryChange, RoleSpan, TimelineCall, TimelineEvent } from './timeline.ts';

/** Older faults are hardly why a primary was lost. */
const CAUSE_MS_MAX = 5000;
/** A fault is told just after it has struck. */
const SAME_MOMENT_MS = 0.01;

/** Every time that a primary of a newer term began to take writes, and what led to it. */
export function findChanges(run: {
  readonly roles: readonly RoleSpan[];
  readonly events: readonly TimelineEvent[];
  readonly calls: readonly TimelineCall[];
}): PrimaryChange[] {
  const primaries = newestPrimaries(run.roles);
  const changes: PrimaryChange[] = [];
  for (const [place, span] of primaries.entries()) {
    const before = primaries[place - 1];
    if (before !== undefined && before.term !== span.term) changes.push(changeTo(span, before, run));
  }
  return changes;
}

function changeTo(
  span: RoleSpan,
  before: RoleSpan,
  { roles, events, calls }: Parameters<typeof findChanges>[0],
): PrimaryChange {
  const lostAt = before.to < span.from ? before.to : undefined;
  const since = lostAt ?? span.from;
  const faults = events.filter(
    ({ at, kind }) =>
      kind === 'fault' && at <= since + SAME_MOMENT_MS && at >= since - CAUSE_MS_MAX && at >= before.from,
  );
  const cause = faults.findLast(({ words }) => words.split(/[ ,]/).includes(before.host)) ?? faults.at(-1);
  const begin = cause?.at ?? since;
  const led = events.filter(({ at }) => at >= begin && at <= span.from);
  const answers = calls.filter(({ outcome, to }) => outcome === 'ok' && to >= span.from);
  return {
    at: span.from,
    node: span.host,
    term: span.term,
    previous: before.host,
    ...defined({
      lostAt,
      cause: cause && { at: cause.at, words: cause.words },
      suspectedAt: led.find(({ words }) => / suspects /.test(words))?.at,
      electionAt: events.find(
        ({ host, words }) =>
          host === span.host && words.includes(` stands for election in term ${span.term}:`),
      )?.at,
      electedAt: roles.find(
        ({ host, state, term }) => host === span.host && state === 'primary' && term === span.term,
      )?.from,
      firstAnswerAt: answers.length === 0 ? undefined : Math.min(...answers.map(({ to }) => to)),
    }),
  };
}

/** From the first primary on, whenever there was none of the newest term that takes writes and runs. */
export function findGaps(roles: readonly RoleSpan[], endMs: number): Gap[] {
  const gaps: Gap[] = [];
  const primaries = newestPrimaries(roles);
  let until = primaries[0]?.from ?? endMs;
  for (const { from, to } of primaries) {
    if (from > until) gaps.push({ from: until, to: from });
    until = Math.max(until, to);
  }
  if (until < endMs) gaps.push({ from: until, to: endMs });
  return gaps;
}

/** One that is thawed long after the election of another still thinks that it is one: that does not count. */
function newestPrimaries(roles: readonly RoleSpan[]): RoleSpan[] {
  const spans = roles.filter(({ state, isFrozen, admits }) => state === 'primary' && admits && !isFrozen);
  spans.sort((one, other) => one.from - other.from);
  let newest = 0;
  return spans.filter(({ term }) => {
    newest = Math.max(newest, term);
    return term === newest;
  });
}

function defined<Fields extends object>(
  fields: Fields,
): { [Key in keyof Fields]?: Exclude<Fields[Key], undefined> } {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as never;
}
