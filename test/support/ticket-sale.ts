/** A seed by which the worked example of docs/testing.md finds its bug; the first from 1 on. */
export const FOUND_BY_SEED = 3;
