import {
  type Clock,
  type CloseInfo,
  type Connection,
  type DatabaseUid,
  type EntryTrace,
  HoldfastError,
  LIMITS,
  type NodeId,
  PEER_SUBPROTOCOL,
  type PeerHello,
  type PeerMessage,
  type Random,
  type Timer,
  type Transport,
} from '@holdfast/types';
import { decodePeerHello, type EntryCodec, encodePeerFrame, encodePeerHello } from '@holdfast/wire';
import type { TurnEnd } from '../turn-end.ts';
import { CLOSE_CODES, closeCodeOf } from './close-codes.ts';
import { type HelloRefusal, judgeHello } from './hello.ts';
import type { LinkTiming } from './link-timing.ts';
import { RedialDelay } from './redial-delay.ts';

export interface OutgoingLinkOptions {
  readonly peer: NodeId;
  /** ws://host:port of the peer, without a path. */
  readonly url: string;
  readonly transport: Transport;
  readonly clock: Clock;
  readonly random: Random;
  readonly turnEnd: TurnEnd;
  readonly entries: EntryCodec;
  readonly timing: LinkTiming;
  readonly bufferedBytesMax: number;
  ownHello(): PeerHello;
  onUp(hello: PeerHello): void;
  /** `lost`: it was up. `refused`: an attempt failed before the hellos were exchanged. */
  onDown(cause: 'lost' | 'refused', info: CloseInfo): void;
  onRefused(refusal: HelloRefusal): void;
}

type State =
  | { readonly kind: 'stopped' }
  | { readonly kind: 'waiting'; readonly timer: Timer }
  | { readonly kind: 'dialling'; readonly connection: Connection; readonly timer: Timer }
  | { readonly kind: 'up'; readonly connection: Connection; readonly since: number };

/** What the messages of one turn are sent in: one frame per run of messages of one database. */
interface Batch {
  readonly database: DatabaseUid | '';
  readonly messages: PeerMessage[];
  traces?: EntryTrace[];
}

const EMPTY_FRAME = { database: '' as const, messages: [] };

/**
 * This node's own connection to one peer, for everything it says to that peer. The peer answers over its own.
 * Each side dials, so that a standby learns of a dead primary by dialling it, without waiting for anybody.
 */
export class OutgoingLink {
  readonly #options: OutgoingLinkOptions;
  readonly #delay: RedialDelay;
  #state: State = { kind: 'stopped' };
  #batches: Batch[] = [];
  /** Looks at the link since a byte came in. */
  #silentPulses = 0;

  constructor(options: OutgoingLinkOptions) {
    this.#options = options;
    this.#delay = new RedialDelay(options.timing, options.random);
  }

  get isUp(): boolean {
    return this.#state.kind === 'up';
  }

  start(): void {
    if (this.#state.kind === 'stopped') this.#dial();
  }

  /** `abruptly`: as if the process had died. */
  stop(abruptly: boolean): void {
    const state = this.#state;
    this.#state = { kind: 'stopped' };
    this.#batches = [];
    if (state.kind === 'waiting' || state.kind === 'dialling') state.timer.cancel();
    if (state.kind === 'dialling') state.connection.terminate();
    if (state.kind !== 'up') return;
    if (abruptly) state.connection.terminate();
    else state.connection.close(CLOSE_CODES.stopping, 'the node stops');
  }

  /** The peer showed signs of life elsewhere, or its link to us closed: do not wait to find out. */
  dialNow(): void {
    if (this.#state.kind !== 'waiting') return;
    this.#delay.reset();
    this.#state.timer.cancel();
    this.#dial();
  }

  /** At the end of this turn, if the link is up then; else never: what a lost link loses, the core sends again. */
  send(database: DatabaseUid | '', message: PeerMessage, traces?: readonly EntryTrace[]): void {
    if (this.#state.kind !== 'up') return;
    const batch = this.#batchOf(database);
    batch.messages.push(message);
    if (traces === undefined) return;
    batch.traces ??= [];
    batch.traces.push(...traces);
  }

  /** Says something, so that the other side answers, and cuts the link when it has not for too long. */
  pulse(): void {
    if (this.#state.kind !== 'up') return;
    this.#silentPulses += 1;
    if (this.#silentPulses > this.#options.timing.silentPulsesMax) {
      this.#cut(this.#state.connection, CLOSE_CODES.silent, 'nothing came back');
      return;
    }
    this.#state.connection.send(encodePeerFrame(EMPTY_FRAME, this.#options.entries));
  }

  #batchOf(database: DatabaseUid | ''): Batch {
    const last = this.#batches.at(-1);
    if (last !== undefined && last.database === database) return last;
    const batch: Batch = { database, messages: [] };
    this.#batches.push(batch);
    if (this.#batches.length === 1) this.#options.turnEnd.add(() => this.#flush());
    return batch;
  }

  #flush(): void {
    const batches = this.#batches;
    this.#batches = [];
    if (this.#state.kind !== 'up') return;
    const { connection } = this.#state;
    for (const batch of batches) connection.send(encodePeerFrame(batch, this.#options.entries));
    if (connection.bufferedBytes > this.#options.bufferedBytesMax) {
      this.#cut(connection, CLOSE_CODES.overflow, `${connection.bufferedBytes} bytes wait to be sent`);
    }
  }

  #dial(): void {
    const { transport, clock, timing, url } = this.#options;
    const connection = transport.connect({
      url: `${url}/peer`,
      subprotocol: PEER_SUBPROTOCOL,
      handshakeTimeoutMs: timing.handshakeTimeoutMs,
      maxMessageBytes: LIMITS.peerFrameBytesMax,
      handlers: {
        onOpen: () => connection.send(encodePeerHello(this.#options.ownHello())),
        onMessage: (bytes) => this.#onMessage(connection, bytes),
        onClose: (info) => this.#onClose(connection, info),
      },
    });
    const timer = clock.setTimer(
      timing.handshakeTimeoutMs,
      () => this.#cut(connection, CLOSE_CODES.handshakeTimeout, 'no hello in time'),
      { background: true },
    );
    this.#state = { kind: 'dialling', connection, timer };
  }

  #onMessage(connection: Connection, bytes: Uint8Array): void {
    const state = this.#state;
    if (state.kind === 'up' && state.connection === connection) this.#silentPulses = 0;
    if (state.kind === 'dialling' && state.connection === connection) this.#onHello(state, bytes);
  }

  #onHello(state: Extract<State, { kind: 'dialling' }>, bytes: Uint8Array): void {
    const { connection } = state;
    let hello: PeerHello;
    try {
      hello = decodePeerHello(bytes);
    } catch (error) {
      if (!(error instanceof HoldfastError)) throw error;
      this.#refuse(connection, {
        code: error.code,
        closeCode: closeCodeOf(error),
        reason: error.message,
      });
      return;
    }
    const refusal = judgeHello({
      own: this.#options.ownHello(),
      theirs: hello,
      expected: this.#options.peer,
    });
    if (refusal !== undefined) {
      this.#refuse(connection, refusal);
      return;
    }
    state.timer.cancel();
    this.#silentPulses = 0;
    this.#state = { kind: 'up', connection, since: this.#options.clock.now() };
    this.#options.onUp(hello);
  }

  #refuse(connection: Connection, refusal: HelloRefusal): void {
    this.#options.onRefused(refusal);
    connection.close(refusal.closeCode, refusal.reason);
    this.#onClose(connection, { cause: 'closed', code: refusal.closeCode, reason: refusal.reason });
  }

  /** Counts as closed from now on, whatever the connection may still deliver. */
  #cut(connection: Connection, code: number, reason: string): void {
    connection.terminate();
    this.#onClose(connection, { cause: 'closed', code, reason });
  }

  #onClose(connection: Connection, info: CloseInfo): void {
    const state = this.#state;
    if ((state.kind !== 'dialling' && state.kind !== 'up') || state.connection !== connection) return;
    this.#batches = [];
    if (state.kind === 'dialling') {
      state.timer.cancel();
      this.#redialLater();
      this.#options.onDown('refused', info);
      return;
    }
    if (this.#options.clock.now() - state.since >= this.#options.timing.steadyMs) {
      this.#delay.reset();
      this.#dial();
    } else {
      this.#redialLater();
    }
    this.#options.onDown('lost', info);
  }

  #redialLater(): void {
    const timer = this.#options.clock.setTimer(this.#delay.next(), () => this.#dial(), { background: true });
    this.#state = { kind: 'waiting', timer };
  }
}
