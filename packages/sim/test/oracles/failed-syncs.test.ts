import type { Input } from '@holdfast/core';
import { nodeId, type Ticket } from '@holdfast/types';
import { describe, expect, it } from 'vitest';
import { FailedSyncs } from '../../src/oracles/failed-syncs.ts';

const node = nodeId('n1');

function persisted(ticket: number): Input {
  return { kind: 'persisted', ticket: ticket as Ticket };
}

describe('Failed syncs', () => {
  it('end all that a node says of its disk in this run of it, and not in the next', () => {
    const syncs = new FailedSyncs();
    const boot = { node, number: 1 };
    syncs.onStep(boot, persisted(4));
    syncs.failed(boot);
    syncs.onStep(boot, { kind: 'tick' });
    expect(() => syncs.onStep(boot, persisted(5))).toThrow('n1 calls ticket 5 durable');
    syncs.onStep({ node, number: 2 }, persisted(5));
    syncs.onStep({ node: nodeId('n2'), number: 1 }, persisted(5));
  });
});
