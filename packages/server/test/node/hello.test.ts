import { nodeId, type PeerHello, PROTOCOL_VERSION } from '@holdfast/types';
import { describe, expect, test } from 'vitest';
import { judgeHello } from '../../src/links/hello.ts';

const VOTERS = ['n1', 'n2', 'n3'].map(nodeId);

function hello(node: string, changes: Partial<PeerHello> = {}): PeerHello {
  return {
    protocol: PROTOCOL_VERSION,
    node: nodeId(node),
    disk: '0'.repeat(32) as PeerHello['disk'],
    boot: '1'.repeat(32) as PeerHello['boot'],
    voters: VOTERS,
    clientUrl: 'ws://127.0.0.1:1',
    ...changes,
  };
}

const CLUSTER_A = 'a'.repeat(32) as NonNullable<PeerHello['cluster']>;
const CLUSTER_B = 'b'.repeat(32) as NonNullable<PeerHello['cluster']>;

describe('a peer is greeted', () => {
  test('if it is a voter of the same list, formed or not', () => {
    expect(judgeHello({ own: hello('n1'), theirs: hello('n2'), expected: nodeId('n2') })).toBeUndefined();
    expect(judgeHello({ own: hello('n1', { cluster: CLUSTER_A }), theirs: hello('n2') })).toBeUndefined();
    expect(
      judgeHello({ own: hello('n1', { cluster: CLUSTER_A }), theirs: hello('n2', { cluster: CLUSTER_A }) }),
    ).toBeUndefined();
  });
});

describe('a peer is turned away, and told why', () => {
  test.each([
    [
      'another protocol',
      hello('n2', { protocol: 1 }),
      'HOLDFAST_VERSION_MISMATCH',
      /protocol 4, n2 speaks 1/,
    ],
    [
      'another list',
      hello('n2', { voters: VOTERS.slice(0, 2) }),
      'HOLDFAST_WRONG_CLUSTER',
      /n1, n2, n3; n2 with n1, n2$/,
    ],
    [
      'another cluster',
      hello('n2', { cluster: CLUSTER_B }),
      'HOLDFAST_WRONG_CLUSTER',
      /belongs to cluster a+, n2 to b+/,
    ],
    ['this node’s own name', hello('n1'), 'HOLDFAST_WRONG_CLUSTER', /share an id/],
    ['a stranger', hello('n9'), 'HOLDFAST_WRONG_CLUSTER', /n9 is not a node/],
    ['the wrong address', hello('n3'), 'HOLDFAST_WRONG_CLUSTER', /n3 answered at the address of n2/],
  ])('%s', (_what, theirs, code, reason) => {
    const refusal = judgeHello({ own: hello('n1', { cluster: CLUSTER_A }), theirs, expected: nodeId('n2') });
    expect(refusal?.code).toBe(code);
    expect(refusal?.reason).toMatch(reason);
  });
});
