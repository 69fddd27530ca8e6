import { readFileSync, writeFileSync } from 'node:fs';

/** One command of a script: its line, the lines of input under it, and what it is expected to print. */
export interface Block {
  readonly comments: readonly string[];
  readonly command: string;
  readonly input: readonly string[];
  readonly expected: string;
  /** Of the command, from 1. */
  readonly line: number;
}

const DIVIDER = '----';

/**
 * Scripts are text: comments, a command, input lines, `----`, the expected output, an empty line.
 * The form is that of cockroachdb/datadriven, which etcd-io/raft tests its core with.
 */
export function readScript(path: string): Block[] {
  const lines = readFileSync(path, 'utf8').split('\n');
  const blocks: Block[] = [];
  let at = 0;
  while (at < lines.length) {
    const comments: string[] = [];
    while (at < lines.length && (lines[at]!.trim() === '' || lines[at]!.startsWith('#')))
      comments.push(lines[at++]!);
    if (at >= lines.length) break;
    const line = at + 1;
    const command = lines[at++]!;
    const input: string[] = [];
    while (at < lines.length && lines[at] !== DIVIDER) {
      if (lines[at]!.trim() === '') throw new Error(`${path}:${line}: no ${DIVIDER} after "${command}"`);
      input.push(lines[at++]!);
    }
    at += 1;
    const expected: string[] = [];
    while (at < lines.length && lines[at]!.trim() !== '') expected.push(lines[at++]!);
    blocks.push({ comments, command, input, expected: expected.join('\n'), line });
  }
  return blocks;
}

/** The script with what its commands printed this time. */
export function writeScript(path: string, blocks: readonly Block[], outputs: readonly string[]): void {
  const text = blocks.map((block, place) => {
    const first = block.comments.findIndex((line) => line.trim() !== '');
    const comments = first < 0 ? [] : block.comments.slice(first);
    return `${[...comments, block.command, ...block.input, DIVIDER, outputs[place]].join('\n')}\n`;
  });
  writeFileSync(path, text.join('\n'));
}
