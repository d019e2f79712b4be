/** Everything in this room; being exported here is being registered. */
export { bank, bankOverdraft } from './bank.ts';
export { causalReverse } from './causal-reverse.ts';
export { causal } from './causal.ts';
export { convergence } from './convergence.ts';
export { counter } from './counter.ts';
export { exactlyOnce } from './exactly-once.ts';
export { exercised } from './exercised.ts';
export {
  listAppend,
  listAppendReadAtomic,
  listAppendReadCommitted,
  listAppendReadUncommitted,
  listAppendRepeatableRead,
  listAppendSerializable,
  listAppendSnapshotIsolation,
  listAppendStrongSession,
  listAppendStrongSnapshotIsolation,
} from './isolation/list-append.ts';
export {
  rwRegister,
  rwRegisterReadAtomic,
  rwRegisterReadCommitted,
  rwRegisterReadUncommitted,
  rwRegisterRepeatableRead,
  rwRegisterSerializable,
  rwRegisterSnapshotIsolation,
  rwRegisterStrongSession,
  rwRegisterStrongSnapshotIsolation,
} from './isolation/rw-register.ts';
export { linearizable } from './linearizable.ts';
export { fencing, lock } from './lock.ts';
export { log } from './log.ts';
export { longFork } from './long-fork.ts';
export { lostWrites } from './lost-writes.ts';
export { models } from './models/index.ts';
export { queue, totalQueue } from './queue.ts';
export { sessions } from './sessions.ts';
export { setEventual, setFull } from './set-full.ts';
export { freshReads, staleness1s, staleness10s } from './staleness.ts';
export { statistics } from './statistics.ts';
export { uniqueIds } from './unique-ids.ts';
export { versions } from './versions.ts';
export { watch } from './watch.ts';
