import type { Notice } from '@holdfast/core';
import type { Clock, CloseInfo, HoldfastError, NodeId } from '@holdfast/types';
import type { Logger } from 'pino';
import type { Corruption } from './driver/corruption.ts';
import type { EventRing } from './events/event-ring.ts';
import type { HelloRefusal } from './links/hello.ts';
import { RoleLog } from './logging/role-log.ts';
import { RateLimit } from './rate-limit.ts';

const REPEAT_MS = 10_000;

/** Turns what happens on a node into events and log lines. Nothing depends on it. */
export class NodeReporter {
  readonly #events: EventRing;
  readonly #logger: Logger;
  readonly #self: NodeId;
  /** By database. */
  readonly #roles = new Map<string, RoleLog>();
  readonly #refusals: RateLimit;

  constructor(parts: {
    readonly self: NodeId;
    readonly events: EventRing;
    readonly logger: Logger;
    readonly clock: Clock;
  }) {
    this.#self = parts.self;
    this.#events = parts.events;
    this.#logger = parts.logger;
    this.#refusals = new RateLimit(parts.clock, REPEAT_MS);
  }

  started(details: { readonly url: string; readonly disk: string; readonly boot: string }): void {
    this.#events.record({ kind: 'started', ...details });
    this.#logger.info(details, 'node started');
  }

  stopping(reason: string): void {
    this.#events.record({ kind: 'stopping', reason });
    this.#logger.info({ reason }, 'node stops');
  }

  failed(error: Error): void {
    this.#events.record({ kind: 'failed', reason: error.message });
    this.#logger.fatal({ err: error }, 'node cannot go on');
  }

  /** Nothing can be opened before there is room. */
  diskFullAtStart(reason: string): void {
    if (!this.#refusals.passes('disk full')) return;
    this.#events.record({ kind: 'diskFull', reason });
    this.#logger.error({ reason }, 'disk full: the node waits for room to start');
  }

  /** Of the list of what failovers took away, so much could not be read. */
  divergenceDamaged(bytes: number): void {
    this.#events.record({ kind: 'divergenceDamaged', bytes });
    this.#logger.error({ bytes }, 'the list of lost writes is damaged, or cannot be read');
  }

  /** The disk took something, be it healed or not. */
  corrupted(database: string, corruption: Corruption): void {
    this.#events.record({ kind: 'corruption', database, ...corruption });
    this.#logger.warn({ database, ...corruption }, `the ${corruption.what} is damaged`);
  }

  notice(database: string, notice: Notice): void {
    this.#events.record({ database, ...notice });
    if (this.#roleLog(database).tell(notice)) return;
    if (WARNINGS.has(notice.kind)) {
      this.#logger.warn({ database, ...notice }, notice.kind);
    } else {
      this.#logger.debug({ database, ...notice }, notice.kind);
    }
  }

  #roleLog(database: string): RoleLog {
    const known = this.#roles.get(database) ?? new RoleLog(this.#logger, this.#self);
    this.#roles.set(database, known);
    return known;
  }

  linkUp(peer: NodeId): void {
    this.#events.record({ kind: 'linkUp', peer });
    this.#logger.debug({ peer }, 'link up');
  }

  linkDown(peer: NodeId, cause: 'lost' | 'refused', info: CloseInfo): void {
    const { code, reason } = info;
    if (cause === 'lost') this.#events.record({ kind: 'linkLost', peer, code, reason });
    this.#logger.debug({ peer, cause, code, reason }, 'link down');
  }

  /** A peer or a stranger was turned away: said once in a while. */
  linkRefused(who: string, refusal: HelloRefusal): void {
    const { code, reason } = refusal;
    if (!this.#refusals.passes(`${who} ${code}`)) return;
    this.#events.record({ kind: 'linkRefused', peer: who, code, reason });
    this.#logger.warn({ peer: who, code, reason }, 'link refused');
  }

  snapshotFailed(direction: 'sending' | 'receiving', peer: NodeId, reason: string): void {
    this.#events.record({ kind: 'snapshotFailed', direction, peer, reason });
    this.#logger.warn({ direction, peer, reason }, 'snapshot transfer failed');
  }

  requestFailed(error: unknown): void {
    this.#logger.error({ err: error }, 'a request of the HTTP interface failed');
  }

  handOverFailed(error: HoldfastError | Error): void {
    this.#logger.warn({ err: error }, 'the primary role could not be handed over');
  }
}

const WARNINGS: ReadonlySet<Notice['kind']> = new Set<Notice['kind']>([
  'divergence',
  'excluded',
  'wrongCluster',
  'repair',
  'persistStall',
]);
