import { assert } from '@holdfast/types';
import { Core } from '../../src/index.ts';
import { ScriptDriver } from './script-driver.ts';

/** Runs commands of scripts, and shows the cores. */
export class Script {
  readonly #cores: Map<string, Core> = new Map();
  readonly #driver = new ScriptDriver((config, recovered, now) => {
    const core = new Core(config, recovered, now);
    this.#cores.set(config.self, core);
    return core;
  });

  run(...commands: string[]): string {
    return commands
      .map((command, line) => this.#driver.run({ command, line, comments: [], input: [], expected: '' }))
      .join('\n');
  }

  /** Of the newest run of the node. */
  core(node: string): Core {
    const core = this.#cores.get(node);
    assert(core !== undefined, `no node ${node}`);
    return core;
  }
}
