import type { Effect, RecoveredState } from '@holdfast/core';
import { type Exclusion, nodeId, type PeerMessage, type Term } from '@holdfast/types';
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

const vote = sends({ kind: 'voteReply', term, granted: true });
const refusal = sends({ kind: 'voteReply', term, granted: false });

describe('A node whose disk was replaced', () => {
  it('may refuse and may not promise', () => {
    const disks = new ReplacedDisks();
    disks.onEffect(boot, vote);
    disks.wiped(node);
    disks.onEffect(boot, refusal);
    expect(() => disks.onEffect(boot, vote)).toThrow('n1 is out of the cluster and sends voteReply');
  });

  it('promises nothing once it knows that it is out, and remembers that', () => {
    const disks = new ReplacedDisks();
    disks.onEffect(boot, {
      kind: 'notice',
      notice: { kind: 'excluded', peer: node, reason: 'disk-went-back' },
    });
    expect(() => disks.onEffect(boot, sends({ kind: 'resigned', term }))).not.toThrow();
    expect(() => disks.onEffect(boot, vote)).toThrow('sends voteReply');
    expect(() => disks.onRecovered({ node, number: 2 }, recovered('disk-went-back'))).not.toThrow();
    expect(() => disks.onRecovered({ node, number: 3 }, recovered())).toThrow('has forgotten it');
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
