/** What modules that tests share have to do after each test, and after each file of tests. */
interface CleanUp {
  afterTest?(end: { readonly hasFailed: boolean }): Promise<unknown>;
  afterFile?(): void;
}

/**
 * Added to when a module is loaded, once for many files: a hook of vitest in it would be there for the first of them
 * only. See `clean-up-hooks.ts`.
 */
export const cleanUps: CleanUp[] = [];
