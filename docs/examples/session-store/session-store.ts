import { randomBytes } from 'node:crypto';
import type { Holdfast } from '@holdfast/client';

export interface Session {
  readonly user: string;
  /** Wall time, milliseconds since 1970. */
  readonly expires: number;
}

/** Sessions of a web application, read by every process of it. */
export class SessionStore {
  readonly #sessions;
  readonly #lastsMs: number;

  constructor(db: Holdfast, { lastsMs = 3_600_000 } = {}) {
    this.#sessions = db.sublevel<string, Session>('sessions', { valueEncoding: 'json' });
    this.#lastsMs = lastsMs;
  }

  /** The id is in the cookie; `after` too, so that a read in any process, of any node, finds the session. */
  async begin(user: string): Promise<{ id: string; after: number }> {
    const id = randomBytes(16).toString('hex');
    const session = { user, expires: Date.now() + this.#lastsMs };
    const { revision } = await this.#sessions.write([{ type: 'put', key: id, value: session }], {
      ifAbsent: true,
    });
    return { id, after: revision };
  }

  /** Asks the node that is nearest, which waits until it holds `after`. Undefined: none, or it has expired. */
  async find(id: string, after = 0): Promise<Session | undefined> {
    const options = { consistency: 'session', readPreference: 'nearest', after } as const;
    const session = (await this.#sessions.read(id, options))?.value;
    return session !== undefined && session.expires > Date.now() ? session : undefined;
  }

  /** Lasts anew from now on; one that has ended meanwhile stays ended. */
  async renew(id: string): Promise<boolean> {
    const { value } = await this.#sessions.update(id, (session) => {
      if (session === undefined || session.expires <= Date.now()) return undefined;
      return { ...session, expires: Date.now() + this.#lastsMs };
    });
    return value !== undefined && value.expires > Date.now();
  }

  async end(id: string): Promise<void> {
    await this.#sessions.del(id);
  }

  /** Removes those that have expired, now and then, from any process. Returns how many. */
  async sweep(): Promise<number> {
    let removed = 0;
    for await (const [id, { expires }] of this.#sessions.iterator()) {
      if (expires > Date.now()) continue;
      // Only as it was read: somebody may have renewed it since.
      const { changed } = await this.#sessions.update(id, (session) =>
        session !== undefined && session.expires <= Date.now() ? null : undefined,
      );
      if (changed) removed += 1;
    }
    return removed;
  }
}
