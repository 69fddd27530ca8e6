/** What a client may ask for, in kinds that are kept apart: none of them, stuck, keeps the others waiting. */
export const LANES = ['writes', 'reads', 'scans', 'watches'] as const;
export type Lane = (typeof LANES)[number];
