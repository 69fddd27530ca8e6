import type { Effect, Input, RecoveredState } from '@holdfast/core';
import { type Exclusion, nodeId, type PeerMessage, type Term, type Ticket } from '@holdfast/types';
import { describe, expect, it } from 'vitest';
import { ReplacedDisks } from '../../src/oracles/replaced-disks.ts';

const node = nodeId('n1');
const boot = { node, number: 1 };
const term = 3 as Term;

function sends(message: PeerMessage): Effect {
  return { kind: 'send', to: nodeId('n2'), message };
}

function recovered(exclusion?: Exclusion): RecoveredState {
  return { log: exclusion === undefined ? {} : { exclusion } } as RecoveredState;
}

const tick: Input = { kind: 'tick' };
const persisted: Input = { kind: 'persisted', ticket: 7 as Ticket };
const told: Effect[] = [
  { kind: 'notice', notice: { kind: 'excluded', peer: node, term: 1 as Term, reason: 'disk-went-back' } },
  {
    kind: 'persist',
    order: { ticket: 7 as Ticket, record: { kind: 'exclusion', reason: 'disk-went-back' } },
  } as Effect,
];
const vote = sends({ kind: 'voteReply', term, granted: true });
const refusal = sends({ kind: 'voteReply', term, granted: false });

describe('A node whose disk was replaced', () => {
  it('may refuse and may not promise', () => {
    const disks = new ReplacedDisks();
    disks.onStep(boot, tick, [vote]);
    disks.wiped(node);
    disks.onStep(boot, tick, [refusal]);
    expect(() => disks.onStep(boot, tick, [vote])).toThrow('n1 is out of the cluster and sends voteReply');
  });

  it('promises nothing once it knows that it is out, and remembers that', () => {
    const disks = new ReplacedDisks();
    disks.onStep(boot, tick, told);
    expect(() => disks.onStep(boot, tick, [sends({ kind: 'resigned', term })])).not.toThrow();
    expect(() => disks.onStep(boot, tick, [vote])).toThrow('sends voteReply');
    disks.onStep(boot, persisted, []);
    expect(() => disks.onRecovered({ node, number: 2 }, recovered('disk-went-back'))).not.toThrow();
    expect(() => disks.onStep({ node, number: 2 }, tick, [vote])).toThrow('sends voteReply');
    expect(() => disks.onRecovered({ node, number: 3 }, recovered())).toThrow('has forgotten it');
  });

  it('does not know it any more after a crash before that was durable', () => {
    const disks = new ReplacedDisks();
    disks.onStep(boot, tick, told);
    disks.onRecovered({ node, number: 2 }, recovered());
    disks.onStep({ node, number: 2 }, persisted, [vote]);
    expect(() => disks.onRecovered({ node, number: 3 }, recovered())).not.toThrow();
  });

  it('is told so in the end, and nobody else is', () => {
    const disks = new ReplacedDisks();
    disks.wiped(node);
    expect(() => disks.checkVerdict(node, undefined, true)).toThrow('is a member all the same');
    expect(() => disks.checkVerdict(nodeId('n2'), 'wiped', false)).toThrow('never lost anything');
    disks.checkVerdict(node, 'wiped', true);
    disks.checkVerdict(nodeId('n2'), undefined, false);
  });
});
