import type { Holdfast } from '@holdfast/client';
import { expect } from 'vitest';
import type { ProcessCluster } from './process-cluster.ts';

/** A client that writes at quorum all the while and must not notice what is done to the nodes beside it. */
export class Bystander {
  readonly #cluster: ProcessCluster;
  readonly #client: Holdfast<string, string>;
  readonly #primary: string;
  readonly #term: number;
  readonly #done: Promise<void>;
  readonly #failures: unknown[] = [];
  #stopped = false;
  #written = 0;
  #longestMs = 0;

  private constructor(
    cluster: ProcessCluster,
    client: Holdfast<string, string>,
    office: { readonly primary: string; readonly term: number },
  ) {
    this.#cluster = cluster;
    this.#client = client;
    this.#primary = office.primary;
    this.#term = office.term;
    this.#done = this.#write();
  }

  static async begin(cluster: ProcessCluster): Promise<Bystander> {
    const primary = await cluster.primary();
    const { term } = await cluster.status(primary);
    return new Bystander(cluster, await cluster.client(), { primary, term });
  }

  /** No write failed, no node went down, and the same primary is in office. Says how it went. */
  async end(): Promise<string> {
    this.#stopped = true;
    await this.#done;
    expect(this.#failures).toEqual([]);
    expect(this.#written).toBeGreaterThan(0);
    expect(this.#cluster.running).toEqual(this.#cluster.ids);
    expect(await this.#cluster.primary()).toBe(this.#primary);
    expect((await this.#cluster.status(this.#primary)).term).toBe(this.#term);
    await this.#cluster.level(this.#cluster.ids);
    return `${this.#written} writes beside it, the longest took ${this.#longestMs.toFixed(0)} ms`;
  }

  async #write(): Promise<void> {
    // A test that fails closes the client and never comes to `end`.
    while (!this.#stopped && this.#client.status === 'open') {
      const start = performance.now();
      try {
        await this.#client.put(`bystander-${this.#written % 50}`, `${this.#written}`, { ack: 'quorum' });
        this.#written += 1;
      } catch (error) {
        this.#failures.push(error);
      }
      this.#longestMs = Math.max(this.#longestMs, performance.now() - start);
    }
  }
}
