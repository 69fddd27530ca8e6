import type { Notice, Role } from '@holdfast/core';
import type { NodeId } from '@holdfast/types';
import type { Logger } from 'pino';

/** Of one database: one line for each change of role, with its term and why, and one for each other primary that it follows. */
export class RoleLog {
  readonly #logger: Logger;
  readonly #self: NodeId;
  #role: Role | undefined;

  constructor(logger: Logger, self: NodeId) {
    this.#logger = logger;
    this.#self = self;
  }

  /** False: not about the role of this node. */
  tell(notice: Notice): boolean {
    switch (notice.kind) {
      case 'role':
        this.#onRole(notice);
        return true;
      case 'excluded':
        if (notice.peer !== this.#self) return false;
        this.#change({ ...notice, role: 'excluded', following: '' });
        return true;
      default:
        return false;
    }
  }

  #onRole({ role, term, reason, primary }: Extract<Notice, { kind: 'role' }>): void {
    const isFollowing = primary !== undefined && role !== 'primary';
    if (role !== this.#role) {
      this.#change({ role, term, reason, primary, following: isFollowing ? ` of ${primary}` : '' });
    } else if (isFollowing) {
      this.#logger.info(
        { event: 'primary', term, reason, primary },
        `follows ${primary} in term ${term}: ${reason}`,
      );
    }
  }

  #change(change: {
    readonly role: Role;
    readonly term: number;
    readonly reason: string;
    readonly primary?: NodeId | undefined;
    readonly following: string;
  }): void {
    const { role, term, reason, primary, following } = change;
    // Whoever looks at warnings alone sees a primary go.
    const level = this.#role === 'primary' || role === 'excluded' ? 'warn' : 'info';
    this.#role = role;
    this.#logger[level](
      { event: 'role', role, term, reason, primary },
      `${role}${following} in term ${term}: ${reason}`,
    );
  }
}
