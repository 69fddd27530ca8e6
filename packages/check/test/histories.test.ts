import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { checkLinearizable, parseHistory, registerModel } from '../src/index.ts';

const directory = new URL('histories/', import.meta.url);
const files = readdirSync(directory).filter((name) => name.endsWith('.jsonl'));

describe('histories with known verdicts', () => {
  it('are all there', () => {
    expect(files).toHaveLength(221);
  });

  it.each(files)('%s', (name) => {
    const history = parseHistory(readFileSync(new URL(name, directory), 'utf8'));
    const { verdict, counterexample } = checkLinearizable(registerModel, history);
    expect(verdict).toBe(name.includes('.ok.') ? 'ok' : 'bad');
    expect(counterexample === undefined).toBe(verdict === 'ok');
  });
});
