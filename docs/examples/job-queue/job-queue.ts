import { randomUUID } from 'node:crypto';
import type { Holdfast } from '@holdfast/client';

export interface Job {
  readonly id: string;
  readonly task: string;
}

interface Claim {
  readonly worker: string;
  /** Wall time after which another worker may take the job over, milliseconds since 1970. */
  readonly until: number;
}

/** Jobs that many workers take, each done at least once, and kept until it is. */
export class JobQueue {
  readonly #waiting;
  readonly #claims;
  readonly #claimMs: number;
  readonly #wallTime: () => number;

  /** `claimMs`: longer than a job takes, and than clocks of workers are apart. */
  constructor(db: Holdfast, { claimMs = 30_000, wallTime = Date.now } = {}) {
    this.#waiting = db.sublevel('waiting');
    this.#claims = db.sublevel<string, Claim>('claims', { valueEncoding: 'json' });
    this.#claimMs = claimMs;
    this.#wallTime = wallTime;
  }

  /** With an id of the caller's, adding it again after an error adds it once. */
  async add(task: string, id: string = `${this.#wallTime()}-${randomUUID()}`): Promise<string> {
    await this.#waiting.put(id, task);
    return id;
  }

  /** The oldest job that nobody works on; undefined if there is none. */
  async take(worker: string): Promise<Job | undefined> {
    for await (const [id, task] of this.#waiting.iterator()) {
      if (await this.#claim(id, worker)) return { id, task };
    }
    return undefined;
  }

  /** False: the claim had run out, and the job is another worker's, or done. */
  async finish({ id }: Job, worker: string): Promise<boolean> {
    const claim = await this.#claims.read(id);
    if (claim?.value.worker !== worker) return false;
    const { branch } = await this.#waiting.transaction({
      if: [{ sublevel: this.#claims, key: id, revision: claim.revision }],
      then: [
        { type: 'del', key: id },
        { type: 'del', key: id, sublevel: this.#claims },
      ],
    });
    return branch === 'then';
  }

  /** The claim is made only if the job still waits and the claim is as it was read: of two workers one wins. */
  async #claim(id: string, worker: string): Promise<boolean> {
    const held = await this.#claims.read(id);
    const now = this.#wallTime();
    if (held !== undefined && held.value.until > now) return false;
    const { branch } = await this.#waiting.transaction<string, string | Claim>({
      if: [
        { key: id, absent: false },
        { sublevel: this.#claims, key: id, revision: held?.revision ?? 0 },
      ],
      then: [
        {
          type: 'put',
          sublevel: this.#claims,
          key: id,
          value: { worker, until: now + this.#claimMs },
          valueEncoding: 'json',
        },
      ],
    });
    return branch === 'then';
  }
}
