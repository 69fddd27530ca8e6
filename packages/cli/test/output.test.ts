import { expect, it } from 'vitest';
import { Output } from '../src/output.ts';
import { TestSink } from './support/capture.ts';

class FailingSink extends TestSink {
  readonly listeners: ((error: NodeJS.ErrnoException) => void)[] = [];

  override on(_event?: 'error', listener?: (error: NodeJS.ErrnoException) => void): void {
    if (listener !== undefined) this.listeners.push(listener);
  }
}

function outputFor(settings: { isTTY: boolean; env?: Record<string, string> }): Output {
  const stdout = new TestSink();
  stdout.isTTY = settings.isTTY;
  return new Output({ stdout, stderr: new TestSink() }, settings.env ?? {}, () => {});
}

it('draws and paints on a terminal only, and paints nothing with NO_COLOR', () => {
  expect(outputFor({ isTTY: true })).toMatchObject({ isLive: true, hasColour: true });
  expect(outputFor({ isTTY: true, env: { NO_COLOR: '1' } })).toMatchObject({
    isLive: true,
    hasColour: false,
  });
  expect(outputFor({ isTTY: true, env: { NO_COLOR: '' } })).toMatchObject({ hasColour: true });
  expect(outputFor({ isTTY: true, env: { TERM: 'dumb' } })).toMatchObject({
    isLive: false,
    hasColour: false,
  });
  expect(outputFor({ isTTY: false })).toMatchObject({ isLive: false, hasColour: false });
});

it('takes a reader that went away for the end, and nothing else', () => {
  const stdout = new FailingSink();
  let gone = 0;
  new Output({ stdout, stderr: new TestSink() }, {}, () => {
    gone += 1;
  });
  stdout.listeners[0]?.(Object.assign(new Error('write EPIPE'), { code: 'EPIPE' }));
  expect(gone).toBe(1);
  const other = Object.assign(new Error('no space'), { code: 'ENOSPC' });
  expect(() => stdout.listeners[0]?.(other)).toThrow('no space');
});

it('keeps data and words apart', () => {
  const [stdout, stderr] = [new TestSink(), new TestSink()];
  const output = new Output({ stdout, stderr }, {}, () => {});
  output.line('data');
  output.json({ a: 1 });
  output.words('words');
  expect(stdout.text).toBe('data\n{"a":1}\n');
  expect(stderr.text).toBe('words\n');
});
