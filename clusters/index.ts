/** Everything in this room; being exported here is being registered. */
export { etcd } from './etcd/etcd.ts';
export { ledger } from './ledger/ledger.ts';
export { mariadb } from './mariadb/mariadb.ts';
export { memory } from './memory/memory.ts';
export { nats } from './nats/nats.ts';
export { postgres } from './postgres/postgres.ts';
export { redis } from './redis/redis.ts';
