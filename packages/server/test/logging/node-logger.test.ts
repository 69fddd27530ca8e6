import type { NodeId } from '@holdfast/types';
import { expect, test } from 'vitest';
import { buildLogger } from '../../src/logging/node-logger.ts';

function collecting(): { lines: Record<string, unknown>[]; write(line: string): void } {
  const lines: Record<string, unknown>[] = [];
  return { lines, write: (line) => lines.push(JSON.parse(line)) };
}

const node = 'n1' as NodeId;

test('below its level nothing is written', () => {
  const destination = collecting();
  const logger = buildLogger({ node, level: 'warn', destination });
  logger.info('quiet');
  logger.warn('loud');
  expect(destination.lines.map((line) => line.msg)).toStrictEqual(['loud']);
});
