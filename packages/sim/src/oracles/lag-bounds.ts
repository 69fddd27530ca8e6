import type { Core, Effect } from '@holdfast/core';
import type { Entry, LogIndex, NodeId, Term } from '@holdfast/types';
import type { ClockRates } from '../cluster/clock-rates.ts';
import type { Boot } from '../cluster/core-probe.ts';
import { SafetyViolation } from './safety-violation.ts';

/** An entry that its primary does not know to be committed. */
interface Open {
  readonly index: LogIndex;
  readonly sealedAt: number;
  /** Of each `local` write in it, the bytes of its keys and values. */
  readonly localBytes: readonly number[];
}

interface Office {
  readonly term: Term;
  open: readonly Open[];
}

/** What is looked at of a core. */
export type LagOfCore = { readonly context: Pick<Core['context'], 'role' | 'term' | 'commit' | 'config'> };

const NAME = 'lag bounds';

/**
 * A failover can lose no more `local` writes than `asyncLagBytesMax` and `asyncLagMsMax` say (G3). What it could lose at a
 * moment is what a primary has logged and does not know to be committed.
 */
export class LagBounds {
  readonly #rates: ClockRates;
  readonly #offices = new Map<NodeId, Office>();

  constructor(rates: ClockRates) {
    this.#rates = rates;
  }

  /** `core`: as the step has left it; `now`: of the world, in milliseconds. */
  onStep({ node }: Boot, effects: readonly Effect[], { context }: LagOfCore, now: number): void {
    const { role, term, commit } = context;
    if (role !== 'primary') {
      this.#offices.delete(node);
      return;
    }
    let office = this.#offices.get(node);
    if (office?.term !== term) {
      office = { term, open: [] };
      this.#offices.set(node, office);
    }
    for (const effect of effects) {
      if (effect.kind === 'persist' && effect.order.record.kind === 'entries') {
        const sealed = effect.order.record.entries.filter((entry) => entry.term === term);
        office.open = [...office.open, ...sealed.map((entry) => openOf(entry, now))];
      }
      const receipts = effect.kind === 'reply' ? effect.replies.filter(isLocalReceipt) : [];
      if (receipts.length > 0) this.#checkAge(node, office, context, now);
    }
    if (office.open.length === 0) return;
    office.open = office.open.filter(({ index }) => index > commit);
    checkBytes(node, office, context);
  }

  #checkAge(node: NodeId, { open }: Office, { commit, config }: LagOfCore['context'], now: number): void {
    const oldest = open.find(({ index }) => index > commit);
    if (oldest === undefined) return;
    const { limits, timing } = config;
    // Admitted in time, it waited for the write before it, for its own, and for a switchover that was given up.
    const waitMs = 2 * timing.persistStallMaxMs + timing.electionTimeoutMs;
    const maxMs = (limits.asyncLagMsMax + waitMs + 1) / this.#rates.slowest;
    const ageMs = now - oldest.sealedAt;
    if (ageMs > maxMs)
      throw new SafetyViolation(
        NAME,
        `${node} acknowledges at local ${ageMs.toFixed(0)} ms behind ${oldest.index}, which is not committed; ${maxMs.toFixed(0)} at most`,
      );
  }
}

/** The write that reaches the bound is taken whole. */
function checkBytes(node: NodeId, { open }: Office, { config }: LagOfCore['context']): void {
  const { asyncLagBytesMax } = config.limits;
  const ofWrites = open.flatMap(({ localBytes }) => localBytes);
  const bytes = ofWrites.slice(0, -1).reduce((sum, each) => sum + each, 0);
  if (bytes > asyncLagBytesMax)
    throw new SafetyViolation(
      NAME,
      `${node} has taken a local write over ${bytes} bytes that a failover could lose; ${asyncLagBytesMax} at most`,
    );
}

function openOf({ index, body }: Entry, now: number): Open {
  const localBytes: number[] = [];
  for (const request of body.kind === 'requests' ? body.requests : []) {
    if (request.kind !== 'write' || request.ack !== 'local') continue;
    let bytes = 0;
    for (const mutation of request.mutations)
      bytes += mutation.key.byteLength + (mutation.kind === 'put' ? mutation.value.byteLength : 0);
    localBytes.push(bytes);
  }
  return { index, sealedAt: now, localBytes };
}

function isLocalReceipt(reply: Extract<Effect, { kind: 'reply' }>['replies'][number]): boolean {
  return reply.kind === 'receipt' && reply.receipt.ack === 'local';
}
