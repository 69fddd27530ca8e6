import type {
  ClientPlan,
  PlannedCall,
  PlannedHolding,
  PlannedLease,
  PlannedWatch,
  Schedule,
} from '../schedule/schedule.ts';

/** One call and where it belongs. */
export interface PlacedCall {
  readonly client: number;
  readonly thread: number;
  /** Milliseconds of thought before it in all. */
  readonly afterMs: number;
  readonly call: PlannedCall;
}

type ProgramItem = PlannedWatch | PlannedHolding | PlannedLease;

/** What is to become less: every accepted step makes it smaller, so that shrinking comes to an end. */
export function sizeOf(schedule: Schedule): number {
  const { cluster, clients, faults, workMs } = schedule;
  const calls = callsOf(schedule);
  return (
    workMs / 1000 +
    cluster.nodes * 5 +
    clients.length * 3 +
    clients.flatMap(({ threads }) => threads).length * 0.1 +
    faults.length * 2 +
    calls.length +
    clients.flatMap(programsOf).length +
    JSON.stringify({ cluster, faults, calls }).length / 1e6 +
    (schedule.startsEarly ? 0.1 : 0) +
    (schedule.rest === undefined ? 0 : 0.1)
  );
}

/** Of every client and thread, in order. */
export function callsOf({ clients }: Schedule): PlacedCall[] {
  return clients.flatMap(({ threads }, client) =>
    threads.flatMap((calls, thread) => {
      let afterMs = 0;
      return calls.map((call) => {
        afterMs += call.thinkMs;
        return { client, thread, afterMs, call };
      });
    }),
  );
}

/** The thought before a call that is left out goes to the next one: those that stay are made about when they were. */
export function withCalls(schedule: Schedule, calls: readonly PlacedCall[]): Schedule {
  const clients = schedule.clients.map((plan, client) => ({
    ...plan,
    threads: plan.threads.map((_, thread) => {
      let before = 0;
      return calls
        .filter((placed) => placed.client === client && placed.thread === thread)
        .map(({ call, afterMs }) => {
          const thinkMs = Math.round((afterMs - before) * 1000) / 1000;
          before += thinkMs;
          return { ...call, thinkMs };
        });
    }),
  }));
  return { ...schedule, clients };
}

/** Faults and calls beyond the new end are left out. */
export function shorter(schedule: Schedule, share: number): Schedule {
  const workMs = Math.ceil(schedule.workMs * share);
  const faults = schedule.faults.filter(({ atMs }) => atMs < workMs);
  const calls = callsOf(schedule).filter(({ afterMs }) => afterMs < workMs);
  return { ...withCalls(schedule, calls), workMs, faults };
}

/** The last ones go; what faults do to them has no effect then. */
export function withNodes(schedule: Schedule, nodes: number): Schedule {
  const names = Array.from({ length: nodes }, (_, place) => `n${place + 1}`);
  const least = Math.floor(nodes / 2) + 1;
  const [up, others] = [true, false].map((isUp) =>
    names.filter((name) => schedule.majority.includes(name) === isUp),
  );
  const majority = [...up!, ...others!].slice(0, Math.max(least, up!.length));
  return { ...schedule, cluster: { ...schedule.cluster, nodes }, majority };
}

/** Each takes away something out of the ordinary. */
export function simpler(schedule: Schedule): ((from: Schedule) => Schedule)[] {
  const limits = Object.keys(schedule.cluster.limits) as (keyof Schedule['cluster']['limits'])[];
  return [
    (from) => ({ ...from, startsEarly: false }),
    ({ rest: _, ...from }) => from,
    (from) => ({ ...from, cluster: { ...from.cluster, limits: {} } }),
    ...limits.map((name) => (from: Schedule): Schedule => {
      const { [name]: _, ...rest } = from.cluster.limits;
      return { ...from, cluster: { ...from.cluster, limits: rest } };
    }),
    (from) => ({ ...from, cluster: { ...from.cluster, clockDrift: 0 } }),
    ({ cluster: { clockSpread: _, ...cluster }, ...from }) => ({ ...from, cluster }),
    ({ cluster: { clientClockSpread: _, ...cluster }, ...from }) => ({ ...from, cluster }),
    (from) => withCalls(from, callsOf(from).map(withoutPadding)),
    (from) => ({
      ...from,
      clients: from.clients.map((plan) => ({
        ...plan,
        threads: plan.threads.filter((thread) => thread.length > 0),
      })),
    }),
    ...schedule.clients.flatMap((plan) =>
      programsOf(plan).map(
        (item) =>
          (from: Schedule): Schedule =>
            without(from, plan.host, item),
      ),
    ),
  ];
}

/** What a client does beside its threads. */
function programsOf({ watches = [], holdings = [], leases = [] }: ClientPlan): ProgramItem[] {
  return [...watches, ...holdings, ...leases];
}

/** Less one of them. */
function without(schedule: Schedule, host: string, item: ProgramItem): Schedule {
  const clients = schedule.clients.map((plan): ClientPlan => {
    if (plan.host !== host) return plan;
    const { watches = [], holdings = [], leases = [], ...rest } = plan;
    const watched = watches.filter((other) => other !== item);
    const held = holdings.filter((other) => other !== item);
    const leased = leases.filter((other) => other !== item);
    return {
      ...rest,
      ...(watched.length === 0 ? {} : { watches: watched }),
      ...(held.length === 0 ? {} : { holdings: held }),
      ...(leased.length === 0 ? {} : { leases: leased }),
    };
  });
  return { ...schedule, clients };
}

function withoutPadding(placed: PlacedCall): PlacedCall {
  if (placed.call.kind !== 'write') return placed;
  const { padding: _, ...call } = placed.call;
  return { ...placed, call };
}
