import fc from 'fast-check';

/**
 * Of all that tests draw: properties by fast-check, and what draws for itself. Set by `vitest.config.ts` from the tree that is
 * checked out, so that a commit which fails does so again, and the next one tries other values; `HOLDFAST_SEED` repeats a run.
 */
export const DRAWN_SEED: number = Number(process.env.HOLDFAST_SEED ?? process.env.HOLDFAST_DRAWN_SEED);

if (!Number.isSafeInteger(DRAWN_SEED)) throw new Error('HOLDFAST_SEED is a whole number');
fc.configureGlobal({ seed: DRAWN_SEED });
