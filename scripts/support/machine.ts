import { execFileSync } from 'node:child_process';
import { cpus, loadavg, release, totalmem, type } from 'node:os';
import { ROOT } from './workspace.ts';

/** What a figure was measured on and of, as one line of markdown. */
export function describeMachine(): string {
  const cores = cpus();
  const gibibytes = (totalmem() / 2 ** 30).toFixed(0);
  const machine = `${cores.length} × ${cores[0]?.model.trim() ?? 'unknown CPU'}, ${gibibytes} GiB`;
  const load = loadavg()[0]?.toFixed(1);
  return [
    new Date().toISOString().slice(0, 10),
    `commit ${commit()}`,
    machine,
    `${type()} ${release()}`,
    `Node ${process.versions.node}`,
    `load average ${load} before`,
  ].join(' · ');
}

function commit(): string {
  try {
    const git = (...args: readonly string[]): string =>
      execFileSync('git', args, { cwd: ROOT, encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim();
    return `${git('rev-parse', '--short', 'HEAD')}${git('status', '--porcelain') === '' ? '' : ' with changes'}`;
  } catch {
    return 'unknown';
  }
}
