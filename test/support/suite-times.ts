import type { Reporter, TestModule } from 'vitest/node';

/** A reporter of vitest that ends with the time spent in each suite, the longest first. */
export class SuiteTimes implements Reporter {
  readonly #suites = new Map<string, { tests: number; milliseconds: number }>();

  onTestModuleEnd(module: TestModule): void {
    const suite = this.#suites.get(module.project.name) ?? { tests: 0, milliseconds: 0 };
    const { duration, collectDuration } = module.diagnostic();
    suite.milliseconds += duration + collectDuration;
    suite.tests += [...module.children.allTests()].length;
    this.#suites.set(module.project.name, suite);
  }

  onTestRunEnd(): void {
    const suites = [...this.#suites].sort(([, a], [, b]) => b.milliseconds - a.milliseconds);
    console.log('\nsuite         tests  seconds');
    for (const [name, { tests, milliseconds }] of suites) {
      const seconds = (milliseconds / 1000).toFixed(1);
      console.log(`${name.padEnd(12)} ${String(tests).padStart(6)} ${seconds.padStart(8)}`);
    }
  }
}
