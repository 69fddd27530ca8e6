import { describe, expect, test } from 'vitest';
import {
  decodeClientMessages,
  encodeClientMessages,
  formatTraceparent,
  parseTraceparent,
} from '../src/index.ts';

const TRACE = '0af7651916cd43dd8448eb211c80319c';
const SPAN = 'b7ad6b7169203331';
const GOOD = `00-${TRACE}-${SPAN}-01`;

describe('a traceparent', () => {
  test('is what W3C says, both ways', () => {
    expect(formatTraceparent({ traceId: TRACE, spanId: SPAN, traceFlags: 1 })).toBe(GOOD);
    expect(parseTraceparent(GOOD)).toEqual({ traceId: TRACE, spanId: SPAN, traceFlags: 1 });
  });

  test.each([
    ['empty', ''],
    ['words', 'not a traceparent'],
    ['of a later version', `01-${TRACE}-${SPAN}-01`],
    ['of the version that is none', `ff-${TRACE}-${SPAN}-01`],
    ['of a trace of zeros', `00-${'0'.repeat(32)}-${SPAN}-01`],
    ['of a span of zeros', `00-${TRACE}-${'0'.repeat(16)}-01`],
    ['in upper case', GOOD.toUpperCase()],
    ['too short', GOOD.slice(0, -1)],
    ['too long', `${GOOD}-00`],
    ['followed by a line break', `${GOOD}\n`],
  ])('that is %s is left out, and the others are not', (_, bad) => {
    const traces = [GOOD, bad, GOOD].map((traceparent, id) => ({ id, traceparent }));
    expect(decodeClientMessages(encodeClientMessages([{ kind: 'trace', traces }]))).toEqual([
      { kind: 'trace', traces: traces.filter(({ traceparent }) => traceparent === GOOD) },
    ]);
  });
});
