/** Everything in this room; being exported here is being registered. */
export { ledger } from './ledger/ledger.ts';
