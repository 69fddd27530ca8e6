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
