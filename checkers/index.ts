/** Everything in this room; being exported here is being registered. */
export { bank, bankOverdraft } from './bank.ts';
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
export { models } from './models/index.ts';
export { queue, totalQueue } from './queue.ts';
export { setEventual, setFull } from './set-full.ts';
export { statistics } from './statistics.ts';
export { uniqueIds } from './unique-ids.ts';
