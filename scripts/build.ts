import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { stripTypeScriptTypes } from 'node:module';
import { join } from 'node:path';
import { run, workspacePackages } from './support/workspace.ts';

/**
 * Builds what is published: `dist` of every package but private ones, JavaScript with declarations.
 * In the workspace itself nothing needs it, since Node runs the sources.
 */
for (const { path, manifest } of workspacePackages()) {
  if (manifest.private === true) continue;
  rmSync(join(path, 'dist'), { recursive: true, force: true });
  const status = run('tsc', ['-p', path]);
  if (status !== 0) process.exit(status);
  buildPrograms(path);
  console.log(`built ${manifest.name}`);
}

/** `bin/x.ts` is a few lines around `src`: its types are stripped, and it moves to `dist/bin/x.js`. */
function buildPrograms(path: string): void {
  const folder = join(path, 'bin');
  if (!existsSync(folder)) return;
  mkdirSync(join(path, 'dist/bin'), { recursive: true });
  for (const name of readdirSync(folder).filter((file) => file.endsWith('.ts'))) {
    const [shebang = '', ...rest] = readFileSync(join(folder, name), 'utf8').split('\n');
    const code = stripTypeScriptTypes(rest.join('\n')).replace(
      /(['"])\.\.\/src\/([^'"]+)\.ts\1/g,
      '$1../$2.js$1',
    );
    const target = join(path, 'dist/bin', name.replace(/\.ts$/, '.js'));
    writeFileSync(target, `${shebang}\n${code}`);
    chmodSync(target, 0o755);
  }
}
