export { EXIT, type ExitStatus } from './exit-codes.ts';
export { type RunOptions, run } from './run.ts';
