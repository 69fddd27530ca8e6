import type { NodeEvent } from '@holdfast/server';

/** How a primary came to be none. */
export type Ending = 'died' | 'paused' | 'stopped' | 'handsOver';

export interface StoryBeginning {
  readonly node: string;
  readonly ending: Ending;
  /** Of a hand-over. */
  readonly target?: string;
  /** Milliseconds since 1970, on this machine. */
  readonly at: number;
}

interface Moment {
  readonly node: string;
  readonly afterMs: number;
}

const WORDS: Readonly<Record<Ending, string>> = {
  died: 'died',
  paused: 'paused',
  stopped: 'stops',
  handsOver: 'hands over',
};

/**
 * What followed the end of a primary, told from the events of the other nodes on the same machine:
 * `n1 died · n2 suspected it after 3 ms · elected after 9 ms · first write possible after 14 ms`.
 */
export class FailoverStory {
  readonly beginning: StoryBeginning;
  #suspected: Moment | undefined;
  #elected: Moment | undefined;
  #promoted: Moment | undefined;

  constructor(beginning: StoryBeginning) {
    this.beginning = beginning;
  }

  get isComplete(): boolean {
    return this.#promoted !== undefined;
  }

  /** True if the event belongs to the story and moved it on. Events may come late and out of order between nodes. */
  tell(node: string, event: NodeEvent): boolean {
    const afterMs = Math.round(event.wallTime - this.beginning.at);
    if (node === this.beginning.node || afterMs < 0) return false;
    const moment = { node, afterMs };
    switch (event.kind) {
      case 'suspicion': {
        const isFirst = this.#suspected === undefined || afterMs < this.#suspected.afterMs;
        if (event.of !== this.beginning.node || !isFirst) return false;
        this.#suspected = moment;
        return true;
      }
      case 'role':
        if (event.role !== 'primary' || this.#promoted !== undefined) return false;
        this.#elected = moment;
        return true;
      case 'promotion':
        if (this.#promoted !== undefined) return false;
        this.#promoted = moment;
        return true;
      default:
        return false;
    }
  }

  toString(): string {
    const { node, ending, target } = this.beginning;
    const parts = [`${node} ${WORDS[ending]}${target === undefined ? '' : ` to ${target}`}`];
    let subject = ending === 'handsOver' ? target : undefined;
    const add = (moment: Moment | undefined, words: string): void => {
      if (moment === undefined) return;
      const who = moment.node === subject ? '' : `${moment.node} `;
      parts.push(`${who}${words} after ${moment.afterMs} ms`);
      subject = moment.node;
    };
    add(this.#suspected, 'suspected it');
    add(this.#elected, 'elected');
    // Whoever was elected is the one that takes writes; naming it again says nothing.
    subject = this.#promoted?.node;
    add(this.#promoted, 'first write possible');
    return parts.join(' · ');
  }
}
