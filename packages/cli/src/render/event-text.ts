import type { NodeEvent } from '@holdfast/server';

/** What an event of `node` says, for a person, without its name and time. */
export function eventText(node: string, event: NodeEvent): string {
  const field = (name: string): string => String(event[name] ?? '?');
  switch (event.kind) {
    case 'started':
      return `started at ${field('url')}`;
    case 'stopping':
      return `stops: ${field('reason')}`;
    case 'failed':
      return `cannot go on: ${field('reason')}`;
    case 'role':
      return `is ${field('role')}${ofPrimary(event)} in term ${field('term')}: ${field('reason')}`;
    case 'suspicion':
      return `suspects ${field('of')}: ${field('reason')}`;
    case 'preVote':
      return `asks whether it could win term ${field('term')}: ${field('reason')}`;
    case 'election':
      return `stands for term ${field('term')}: ${field('reason')}`;
    case 'promotion':
      return `admits writes in term ${field('term')}: ${field('reason')}`;
    case 'stepDown':
      return `steps down in term ${field('term')}: ${field('reason')}`;
    case 'primaryKnown':
      return event.primary === undefined
        ? `knows no primary in term ${field('term')}`
        : `follows ${field('primary')} in term ${field('term')}`;
    case 'truncated':
      return `truncates its log from entry ${field('from')} to ${field('to')}`;
    case 'divergence':
      return `lists ${field('writes')} writes of ${field('entries')} entries as diverged: ${field('reason')}`;
    case 'snapshot':
      return `snapshot ${field('state')} with ${field('peer')} at entry ${field('index')}: ${field('reason')}`;
    case 'corruption':
      return `its ${field('what')} is damaged in ${field('where')}: ${field('reason')}`;
    case 'excluded':
      return event.peer === node
        ? `is excluded: ${field('reason')}`
        : `takes ${field('peer')} for excluded: ${field('reason')}`;
    case 'formed':
      return `formed cluster ${field('cluster')}`;
    case 'wrongCluster':
      return `refuses ${field('peer')}: ${field('reason')}`;
    case 'switchover':
      return `switchover to ${field('target')} ${event.state === 'givenUp' ? 'given up' : field('state')}`;
    case 'repair':
      return event.state === 'healed'
        ? `its log is healed from entry ${field('index')}: ${field('reason')}`
        : `pulls entry ${field('index')} from its peers: ${field('reason')}`;
    case 'persistStall':
      return `its disk has not answered for ${field('ms')} ms`;
    case 'linkUp':
      return `connected to ${field('peer')}`;
    case 'linkLost':
      return `lost its connection to ${field('peer')}`;
    case 'linkRefused':
      return `refuses ${field('peer')}: ${field('code')}: ${field('reason')}`;
    case 'snapshotFailed':
      return `${field('direction')} a snapshot with ${field('peer')} failed: ${field('reason')}`;
    case 'divergenceDamaged':
      return `cannot read ${field('bytes')} bytes of its list of diverged writes`;
    case 'diskFull':
      return `disk full: ${field('reason')}`;
    default:
      return otherText(event);
  }
}

function ofPrimary(event: NodeEvent): string {
  return event.primary === undefined || event.role === 'primary' ? '' : ` of ${String(event.primary)}`;
}

/** Nodes of a later version tell of things this program has no words for. */
function otherText(event: NodeEvent): string {
  const { id: _id, at: _at, wallTime: _wallTime, kind, database: _database, ...rest } = event;
  const fields = Object.entries(rest).map(([name, value]) => `${name}=${JSON.stringify(value)}`);
  return [kind, ...fields].join(' ');
}

/** 12:34:56.789 in the time zone of this machine. */
export function clockTime(wallTime: number): string {
  const date = new Date(wallTime);
  const part = (value: number, digits: number): string => String(value).padStart(digits, '0');
  const time = [date.getHours(), date.getMinutes(), date.getSeconds()]
    .map((value) => part(value, 2))
    .join(':');
  return `${time}.${part(date.getMilliseconds(), 3)}`;
}
