// Runs the tests of a package of others on Holdfast: what they import as `level` is ours. Started by runConsumer.
import { createRequire, registerHooks } from 'node:module';
import { pathToFileURL } from 'node:url';
import type { TapeHarness, TapeRow } from '../conformance/tape-suite.ts';
import { currentRun, report } from './consumer.ts';
import { runMocha } from './mocha-run.ts';
import { standIns } from './stand-ins.ts';

const require = createRequire(import.meta.url);
const { runner, file } = currentRun();
registerHooks({ resolve: standIns });

switch (runner) {
  case 'mocha':
    await runMocha(file, { onTest: report, onEnd: () => process.exit() });
    break;
  case 'tape': {
    const tape = require('tape') as TapeHarness;
    tape.createStream({ objectMode: true }).on('data', ({ type, name = '', ok, error }: TapeRow) => {
      if (type === 'assert') report(name, ok ? undefined : (error ?? 'refused'));
    });
    tape.onFinish(() => process.exit());
    require(file);
    break;
  }
  case 'node:test':
    await import(pathToFileURL(file).href);
    break;
}
