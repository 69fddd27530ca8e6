// What node's own runner, in the process of a consumer, found. Named to node by runConsumer.
import { Transform } from 'node:stream';
import type { TestEvent } from 'node:test/reporters';
import { report } from './consumer.ts';

/** Node wants one that could print. */
export default new Transform({
  writableObjectMode: true,
  transform({ type, data }: TestEvent, _encoding, done) {
    if (type === 'test:pass' && data.details.type !== 'suite') report(data.name);
    if (type === 'test:fail') report(data.name, data.details.error.cause ?? data.details.error);
    done();
  },
});
