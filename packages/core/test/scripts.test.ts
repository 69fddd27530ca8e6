import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { Core } from '../src/index.ts';
import { ScriptDriver } from './support/script-driver.ts';
import { readScript, writeScript } from './support/script-file.ts';

const DIRECTORY = join(import.meta.dirname, 'scripts');
const REWRITE = process.env.HOLDFAST_REWRITE === '1';

// HOLDFAST_REWRITE=1 writes down what is printed now: review the diff.
describe('scripts', () => {
  test.each(readdirSync(DIRECTORY).filter((name) => name.endsWith('.txt')))('%s', (name) => {
    const path = join(DIRECTORY, name);
    const blocks = readScript(path);
    const driver = new ScriptDriver((config, recovered, now) => new Core(config, recovered, now));
    const outputs = blocks.map((block) => {
      try {
        return driver.run(block);
      } catch (error) {
        throw new Error(`${path}:${block.line}: ${block.command}: ${(error as Error).message}`, {
          cause: error,
        });
      }
    });
    driver.finish();
    if (REWRITE) {
      writeScript(path, blocks, outputs);
      return;
    }
    for (const [place, block] of blocks.entries()) {
      expect(outputs[place], `${path}:${block.line}: ${block.command}`).toBe(block.expected);
    }
  });
});
