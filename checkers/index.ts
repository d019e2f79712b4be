/** Everything in this room; being exported here is being registered. */
export { exactlyOnce } from './exactly-once.ts';
export { exercised } from './exercised.ts';
export { linearizable } from './linearizable.ts';
export { models } from './models/index.ts';
export { statistics } from './statistics.ts';
