/** Everything in this room; being exported here is being registered. */
export { bank } from './bank.ts';
export { boundary } from './boundary.ts';
export { counter } from './counter.ts';
export { idempotency } from './idempotency.ts';
export { listAppend } from './list-append.ts';
export { lock } from './lock.ts';
export { outages } from './outages.ts';
export { queue } from './queue.ts';
export { register } from './register.ts';
export { requests } from './requests.ts';
export { rwRegister } from './rw-register.ts';
export { set } from './set.ts';
export { transfers } from './transfers.ts';
export { uniqueIds } from './unique-ids.ts';
export { watch } from './watch.ts';
