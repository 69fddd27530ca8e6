/** What this database can do, as abstract-level wants it told. */
export const MANIFEST = {
  /** Natively; the others are translated to it. */
  encodings: { buffer: true },
  has: true,
  seek: true,
  permanence: true,
  implicitSnapshots: true,
  explicitSnapshots: true,
  createIfMissing: false,
  errorIfExists: false,
  getSync: false,
  signals: { iterators: true },
  events: {
    topology: true,
    primary: true,
    disconnected: true,
    reconnected: true,
    breaker: true,
    degraded: true,
    diverged: true,
  },
  additionalMethods: {
    write: true,
    read: true,
    increment: true,
    transaction: true,
    update: true,
    watch: true,
    ttl: true,
    expire: true,
    persist: true,
    token: true,
    topology: true,
    health: true,
  },
};

/** Beside abstract-level's, on a sublevel. */
export const SUBLEVEL_METHODS = {
  write: true,
  read: true,
  increment: true,
  transaction: true,
  update: true,
  watch: true,
  ttl: true,
  expire: true,
  persist: true,
};
