import { findChanges, findGaps } from './primary-changes.ts';
import { RoleLanes } from './role-lanes.ts';
import {
  type DiskSpan,
  type EventKind,
  MESSAGE_CLASSES,
  type MessageClass,
  type Messages,
  type Timeline,
  type TimelineCall,
  type TimelineEvent,
} from './timeline.ts';

/** More of a message than anybody reads. */
const WORDS_MAX = 500;

const LINE = /^\s*(\d+\.\d+) {2}(.*)$/s;
const SENT = /^#(\d+) (\S+) > (\S+) (\S+): (.*)$/s;
const ARRIVED = /^#(\d+) at /;
const CALL = /^(\S+) call (\d+): (.*)$/s;
const NOTICE = /^notice (\w+) (.*)$/s;
const APPLIES = /^applies (?:\d+|undefined)\.\.(\d+)@/;
const TERM = /\(term (\d+)/;
const ANSWER_ERROR = /^(\w+), (not-applied|applied|unknown)$/;

/** The end of a fault. */
const MENDS =
  /is whole$|is thawed$|^n\d+ starts$|is started$|has room again$|has its disk back$|faults end$|reach each other$|is mended$/;

const CLASS_OF: Readonly<Record<string, MessageClass>> = {
  append: 'log',
  appendMatch: 'log',
  appendConflict: 'log',
  pull: 'log',
  pulled: 'log',
  heartbeat: 'heartbeat',
  heartbeatReply: 'heartbeat',
  pulse: 'heartbeat',
  preVote: 'election',
  preVoteReply: 'election',
  vote: 'election',
  voteReply: 'election',
  resigned: 'election',
  stand: 'election',
  higherTerm: 'election',
};

const NOTICE_KINDS: Readonly<Record<string, EventKind>> = {
  suspicion: 'election',
  preVote: 'election',
  election: 'election',
  stepDown: 'election',
  switchover: 'election',
  promotion: 'promotion',
};

/** Makes a timeline of the printed lines of a trace, given one by one. */
export class TraceReader {
  readonly #roles: RoleLanes = new RoleLanes();
  readonly #clients = new Set<string>();
  readonly #names = new Map<string, number>();
  readonly #events: TimelineEvent[] = [];
  readonly #calls = new Map<string, TimelineCall>();
  readonly #applied: Record<string, [number, number][]> = {};
  readonly #disks: DiskSpan[] = [];
  readonly #messages: Messages = { sent: [], arrived: [], from: [], to: [], class: [], words: [] };
  /** Of a message, by its number: its place. */
  readonly #places = new Map<number, number>();
  #title = '';
  #now = 0;

  read(line: string): void {
    const [, at, words] = LINE.exec(line) ?? [];
    if (at === undefined || words === undefined) return;
    this.#now = Number(at);
    if (words.startsWith('#')) this.#readMessage(words);
    else if (words.startsWith('fault: ')) this.#readFault(words.slice('fault: '.length));
    else if (words.startsWith('FAILED: ')) this.#tell('failure', words);
    else this.#readOther(words);
  }

  /** `failure`: why the run did not pass, if it did not; the trace need not say so. */
  timeline(failure?: string): Timeline {
    const endMs = this.#now;
    const nodes = this.#roles.nodes;
    const clients = [...this.#clients].sort();
    const hosts = [...nodes, ...clients];
    const places = new Map([...this.#names].map(([name, number]) => [number, hosts.indexOf(name)]));
    const placed = (numbers: readonly number[]): number[] =>
      numbers.map((number) => places.get(number) ?? -1);
    const calls = [...this.#calls.values()];
    for (const call of calls) if (call.outcome === 'open') call.to = endMs;
    for (const span of this.#disks) if (span.to < 0) span.to = endMs;
    const roles = this.#roles.end(endMs);
    const events = this.#events;
    if (failure !== undefined && !events.some(({ kind }) => kind === 'failure'))
      events.push({ at: endMs, kind: 'failure', words: failure });
    return {
      title: this.#title,
      endMs,
      nodes,
      clients,
      hosts,
      roles,
      disks: this.#disks,
      events,
      calls,
      messages: {
        ...this.#messages,
        from: placed(this.#messages.from),
        to: placed(this.#messages.to),
      },
      applied: this.#applied,
      changes: findChanges({ roles, events, calls }),
      gaps: findGaps(roles, endMs),
      ...(failure === undefined ? {} : { failure }),
    };
  }

  #readMessage(words: string): void {
    const arrived = ARRIVED.exec(words);
    if (arrived !== null) {
      const place = this.#places.get(Number(arrived[1]));
      if (place !== undefined) this.#messages.arrived[place] = this.#now;
      return;
    }
    const [, number, from, to, link, text] = SENT.exec(words) ?? [];
    if (from === undefined || to === undefined || link === undefined || text === undefined) return;
    const messages = this.#messages;
    this.#places.set(Number(number), messages.sent.length);
    messages.sent.push(this.#now);
    messages.arrived.push(-1);
    messages.from.push(this.#numberOf(from));
    messages.to.push(this.#numberOf(to));
    messages.class.push(MESSAGE_CLASSES.indexOf(classOf(link, text)));
    messages.words.push(shortened(text));
  }

  #readFault(words: string): void {
    const host = /^(n\d+) (?!cut off|and |>|n\d|c\d)/.exec(words)?.[1];
    this.#tell(MENDS.test(words) ? 'mend' : 'fault', words, host);
    if (host !== undefined) this.#readDisk(host, words);
  }

  #readDisk(host: string, words: string): void {
    const state = / has a full disk/.test(words)
      ? 'full'
      : / has a disk .* slower/.test(words)
        ? 'slow'
        : undefined;
    const over = / has room again/.test(words) ? 'full' : / has its disk back/.test(words) ? 'slow' : state;
    for (const span of this.#disks)
      if (span.host === host && span.state === over && span.to < 0) span.to = this.#now;
    if (state !== undefined) this.#disks.push({ host, from: this.#now, to: -1, state, words });
  }

  #readOther(words: string): void {
    const [, host, number, said] = CALL.exec(words) ?? [];
    if (host !== undefined) {
      this.#readCall(host, Number(number), said ?? '');
      return;
    }
    const space = words.indexOf(' ');
    const first = words.slice(0, space);
    const rest = words.slice(space + 1);
    const isRun = rest.startsWith('begins run ');
    if (isRun || this.#roles.knows(first)) this.#readNode(first, rest);
    else this.#readPhase(words);
  }

  #readPhase(words: string): void {
    if (this.#title === '' && words.startsWith('seed ')) this.#title = words;
    this.#tell('phase', words);
  }

  #readCall(host: string, number: number, said: string): void {
    this.#clients.add(host);
    const key = `${host} ${number}`;
    const call = this.#calls.get(key);
    if (call === undefined) {
      const words = shortened(said);
      this.#calls.set(key, { host, number, from: this.#now, to: -1, words, outcome: 'open', answer: '' });
      return;
    }
    call.to = this.#now;
    call.answer = shortened(said);
    const outcome = ANSWER_ERROR.exec(said)?.[2];
    if (said.startsWith('ok')) call.outcome = 'ok';
    else call.outcome = outcome === 'not-applied' ? 'notApplied' : 'unknown';
  }

  #readNode(node: string, words: string): void {
    const now = this.#now;
    if (this.#roles.read(node, words, now)) {
      this.#tell('life', `${node} ${words}`, node);
      return;
    }
    const [, notice, fields] = NOTICE.exec(words) ?? [];
    if (notice !== undefined) {
      this.#readNotice(node, notice, fields ?? '');
      return;
    }
    const applied = APPLIES.exec(words)?.[1];
    if (applied !== undefined) {
      this.#applied[node] ??= [];
      this.#applied[node].push([now, Number(applied)]);
    }
    const term = TERM.exec(words)?.[1];
    if (term !== undefined) this.#roles.term(node, Number(term), now);
    this.#tell(words.startsWith('link to ') ? 'link' : 'log', `${node} ${words}`, node);
  }

  #readNotice(node: string, notice: string, fields: string): void {
    const [, role, term, reason] =
      /^\{role:(\w+),term:(\d+),reason:(.*?)(?:,primary:\w+)?\}$/s.exec(fields) ?? [];
    if (notice === 'role' && role !== undefined) {
      this.#roles.role(node, role, Number(term), this.#now);
      this.#tell('election', `${node} is ${role} in term ${term}: ${reason}`, node);
      return;
    }
    if (notice === 'formed') this.#roles.formed(node);
    if (notice === 'promotion') this.#roles.promoted(node, this.#now);
    this.#tell(NOTICE_KINDS[notice] ?? 'log', `${node} ${sentenceOf(notice, fields)}`, node);
  }

  #tell(kind: EventKind, words: string, host?: string): void {
    const event = { at: this.#now, kind, words: shortened(words) };
    this.#events.push(host === undefined ? event : { ...event, host });
  }

  #numberOf(name: string): number {
    const known = this.#names.get(name);
    if (known !== undefined) return known;
    if (!this.#roles.knows(name)) this.#clients.add(name);
    this.#names.set(name, this.#names.size);
    return this.#names.size - 1;
  }
}

function classOf(link: string, text: string): MessageClass {
  if (link === 'client' || link === 'snapshot') return link;
  return CLASS_OF[/^\w+/.exec(text)?.[0] ?? ''] ?? 'other';
}

function sentenceOf(notice: string, fields: string): string {
  const reason = /reason:(.*?)\}$/s.exec(fields)?.[1];
  const term = /term:(\d+)/.exec(fields)?.[1];
  switch (notice) {
    case 'suspicion':
      return `suspects ${/of:(\w+)/.exec(fields)?.[1]}: ${reason}`;
    case 'preVote':
      return `asks whether it would be elected (pre-vote for term ${term}): ${reason}`;
    case 'election':
      return `stands for election in term ${term}: ${reason}`;
    case 'stepDown':
      return `steps down: ${reason}`;
    case 'promotion':
      return `takes writes as the primary of term ${term}: its opening entry is committed`;
    default:
      return `${notice} ${fields}`;
  }
}

function shortened(words: string): string {
  return words.length <= WORDS_MAX ? words : `${words.slice(0, WORDS_MAX)}…`;
}
