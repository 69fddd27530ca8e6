import { createRequire } from 'node:module';

interface MochaTest {
  fullTitle(): string;
}

interface MochaRun {
  on(event: 'pass', listener: (test: MochaTest) => void): void;
  on(event: 'fail', listener: (test: MochaTest, error: unknown) => void): void;
}

/** What is used of mocha, which has no types. */
interface Mocha {
  addFile(file: string): void;
  loadFilesAsync(): Promise<void>;
  run(onEnd: () => void): MochaRun;
}

type MochaClass = new (options: { reporter: unknown; timeout: number }) => Mocha;

/** What these tests are given by the tool of their authors, aegir, instead of mocha's two seconds. */
const TIMEOUT_MS = 60_000;

/** `onTest`: `error` is undefined if it passed. */
export async function runMocha(
  file: string,
  listeners: { onTest: (name: string, error?: unknown) => void; onEnd: () => void },
): Promise<void> {
  const Mocha = createRequire(import.meta.url)('mocha') as MochaClass;
  const mocha = new Mocha({ reporter: class {}, timeout: TIMEOUT_MS });
  mocha.addFile(file);
  await mocha.loadFilesAsync();
  const run = mocha.run(listeners.onEnd);
  run.on('pass', (test) => listeners.onTest(test.fullTitle()));
  run.on('fail', (test, error) => listeners.onTest(test.fullTitle(), error));
}
