/** The directory of the one database that simulated nodes have. */
export const DATABASE = '/data/databases/default';
