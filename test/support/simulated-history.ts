import { type HistoryEvent, HistoryRecorder, type RecordedOperation } from '@holdfast/check';

/** What kind of operations a history is made of: the name of the model that judges it. */
export interface HistoryPlan {
  readonly model: string;
  readonly operations: number;
  readonly clients: number;
  readonly keys: number;
  /** Share of writes whose answer is lost, 0 to 1. */
  readonly unknownShare: number;
  readonly seed: number;
}

interface OpenOperation {
  readonly takeEffect: () => void;
  readonly answer: () => void;
  hasTakenEffect: boolean;
}

/** The history of clients that have one operation open each, on an honest store. Equal for equal plans. */
export function simulatedHistory(plan: HistoryPlan): HistoryEvent[] {
  const random = pseudoRandom(plan.seed);
  const pick = (count: number): number => Math.floor(random() * count);
  let now = 0;
  const recorder = new HistoryRecorder({ clock: { now: () => now++ } });
  const store = new Map<string, { value: number; revision: number }>();
  const open: (OpenOperation | undefined)[] = new Array(plan.clients).fill(undefined);
  let revision = 0;
  for (let begun = 0; begun < plan.operations; ) {
    const client = pick(plan.clients);
    const current = open[client];
    if (current === undefined) {
      begun += 1;
      open[client] = begin(`c${client}`, `k${pick(plan.keys)}`, begun);
    } else if (!current.hasTakenEffect) {
      current.hasTakenEffect = true;
      current.takeEffect();
    } else {
      current.answer();
      open[client] = undefined;
    }
  }
  return [...recorder.events];

  function begin(client: string, key: string, value: number): OpenOperation {
    if (random() < 0.5) return get(recorder.invoke({ client, op: 'get', key }), key);
    const op = plan.model === 'counter' ? 'increment' : 'put';
    const written = op === 'increment' ? 1 : value;
    return write(recorder.invoke({ client, op, key, value: written }), key, written);
  }

  function get(operation: RecordedOperation, key: string): OpenOperation {
    let found: { value: number; revision: number } | undefined;
    return {
      hasTakenEffect: false,
      takeEffect: () => {
        found = store.get(key);
      },
      answer: () => operation.ok({ value: found?.value ?? null, revision: found?.revision ?? 0 }),
    };
  }

  function write(operation: RecordedOperation, key: string, value: number): OpenOperation {
    const isLost = random() < plan.unknownShare;
    const isDropped = isLost && random() < 0.5;
    let result = { value, revision: 0 };
    return {
      hasTakenEffect: false,
      takeEffect: () => {
        if (isDropped) return;
        revision += 1;
        const before = plan.model === 'counter' ? (store.get(key)?.value ?? 0) : 0;
        result = { value: before + value, revision };
        store.set(key, result);
      },
      answer: () => (isLost ? operation.info('connection lost') : operation.ok(result)),
    };
  }
}

/** Mulberry32. */
function pseudoRandom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
