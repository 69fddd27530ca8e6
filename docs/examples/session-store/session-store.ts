import { randomBytes } from 'node:crypto';
import type { Holdfast } from '@holdfast/client';

export interface Session {
  readonly user: string;
}

/** Sessions of a web application, read by every process of it. Each ends by itself some time after its last renewal. */
export class SessionStore {
  readonly #sessions;
  readonly #ttlMs: number;

  constructor(db: Holdfast, { ttlMs = 3_600_000 } = {}) {
    this.#sessions = db.sublevel<string, Session>('sessions', { valueEncoding: 'json' });
    this.#ttlMs = ttlMs;
  }

  /** The id is in the cookie; `after` too, so that a read in any process, of any node, finds the session. */
  async begin(user: string): Promise<{ id: string; after: number }> {
    const id = randomBytes(16).toString('hex');
    const put = { type: 'put', key: id, value: { user }, ttlMs: this.#ttlMs } as const;
    const { revision } = await this.#sessions.write([put], { ifAbsent: true });
    return { id, after: revision };
  }

  /** Asks the node that is nearest, which waits until it holds `after`. Undefined: none, or it has ended. */
  async find(id: string, after = 0): Promise<Session | undefined> {
    const options = { consistency: 'session', readPreference: 'nearest', after } as const;
    return (await this.#sessions.read(id, options))?.value;
  }

  /** Lasts anew from now on; one that has ended meanwhile stays ended. */
  async renew(id: string): Promise<boolean> {
    return await this.#sessions.expire(id, this.#ttlMs);
  }

  async end(id: string): Promise<void> {
    await this.#sessions.del(id);
  }

  /** Ids of sessions that end after a revision, by themselves or not. */
  async *ends(after: number): AsyncGenerator<string> {
    for await (const event of this.#sessions.watch({ from: after })) {
      if (event.type === 'del') yield event.key;
    }
  }
}
