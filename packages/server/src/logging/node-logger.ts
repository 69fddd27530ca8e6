import type { Notice } from '@holdfast/core';
import type { NodeId } from '@holdfast/types';
import { type DestinationStream, type Logger, pino } from 'pino';
import type { LogLevel } from '../config/node-config.ts';

/** One JSON object per line, each naming its node; to stdout unless told otherwise. */
export function buildLogger(options: {
  node: NodeId;
  level: LogLevel;
  destination?: DestinationStream;
}): Logger {
  const settings = {
    level: options.level,
    base: { node: options.node, pid: process.pid },
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: (label: string) => ({ level: label }) },
  };
  return options.destination === undefined ? pino(settings) : pino(settings, options.destination);
}

type RoleChange = Extract<Notice, { kind: 'role' }>;

/** The one line that a change of role takes, with its term and why. */
export function logRoleChange(logger: Logger, change: RoleChange): void {
  const { role, term, reason, primary } = change;
  const following = primary === undefined || role === 'primary' ? '' : ` of ${primary}`;
  logger.info(
    { event: 'role', role, term, reason, primary },
    `${role}${following} in term ${term}: ${reason}`,
  );
}
