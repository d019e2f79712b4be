/** Everything in this room; being exported here is being registered. */
export { linearizable } from './linearizable.ts';
export { models } from './models/index.ts';
