/** Names the disk, and the node that it belongs to. */
export const IDENTITY = '/data/identity.json';
/** All else of a node. */
export const DATABASES = '/data/databases/';
/** The directory of the one database that simulated nodes have. */
export const DATABASE = '/data/databases/default';
