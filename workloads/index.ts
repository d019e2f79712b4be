/** Everything in this room; being exported here is being registered. */
export { register } from './register.ts';
export { transfers } from './transfers.ts';
