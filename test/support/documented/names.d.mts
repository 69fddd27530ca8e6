// What programs in the documentation take for granted: a database, types of their own, and services of others.
import type { Holdfast as HoldfastClass, Lock } from '@holdfast/client';
import type { SagaDefinition, Sagas } from '@holdfast/client/sagas';

interface Ordered {
  readonly order: number;
  readonly after: number;
}

interface Keyed {
  readonly idempotencyKey: string;
  readonly signal?: AbortSignal;
}

declare global {
  interface User {
    readonly name: string;
  }
  interface Config {
    readonly theme?: string;
  }

  const Holdfast: typeof HoldfastClass;
  const db: HoldfastClass;
  const stock: HoldfastClass;
  const lock: Lock;
  const sagas: Sagas;
  const order: SagaDefinition<{ sku: string; cents: number }, unknown>;

  const queue: { send(message: Ordered): void; receive(): Promise<Ordered> };
  const cache: Map<string, string>;
  const lastKnown: Map<unknown, string>;
  const session: string;
  const bytes: Uint8Array;
  const port: number;
  const storage: {
    write(name: string, bytes: Uint8Array, options: { fence: number; signal: AbortSignal }): Promise<void>;
  };
  const payments: {
    charge(cents: number, options: Keyed): Promise<{ id: string }>;
    refundIfCharged(options: Keyed): Promise<void>;
  };
  const parcels: { order(charge: string, options: Keyed): Promise<void> };
  const log: { warn(detail: object): void };
  const pino: (options: { level: string }) => { debug(detail: object, words: string): void };
  const hostname: () => string;
}
