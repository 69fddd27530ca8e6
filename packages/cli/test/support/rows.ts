import type { NodeRow } from '../../src/node-row.ts';

export function rowOf(given: Partial<NodeRow>): NodeRow {
  return {
    id: 'n1',
    url: 'ws://127.0.0.1:7101',
    role: 'standby',
    term: 1,
    primary: 'n1',
    last: 10,
    durable: 10,
    commit: 10,
    applied: 10,
    revision: 5,
    lag: null,
    pid: 1234,
    ready: true,
    reason: null,
    admitting: false,
    zone: null,
    cluster: null,
    defaultAck: 'quorum',
    acknowledged: null,
    diverged: 0,
    ...given,
  };
}
