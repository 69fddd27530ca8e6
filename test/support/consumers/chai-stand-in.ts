import { createRequire } from 'node:module';

const require = createRequire(import.meta.url);
const chai = require('chai') as { use(plugin: unknown): void; readonly expect: unknown };

// In this order: the second makes calls of what the first makes.
chai.use(require('chai-as-promised'));
chai.use(require('chai-parentheses'));

export const { expect } = chai;
