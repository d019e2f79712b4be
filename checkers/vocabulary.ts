/**
 * By which other names models, checkers and what they are asked for go elsewhere, as data: histories recorded for other
 * tools are read with them, and people may type them. A name stands here once, beside what it means.
 */

import type { Json } from '../rig/contract.ts';

/** The functions that somebody judges, each with its other names. */
export type Vocabulary = Readonly<Record<string, readonly string[]>>;

const READ = ['get', 'r', 'load'];
const WRITE = ['put', 'set', 'w', 'store'];
const CAS = ['compare-and-set', 'compare-and-swap', 'compareAndSet', 'compareAndSwap', 'cas!'];
const ADD = ['insert', 'put', 'conj', 'append'];
const PUT = ['put', 'push', 'offer', 'send', 'produce', 'publish'];
const TAKE = ['take', 'pop', 'poll', 'receive', 'consume', 'get'];

const register: Vocabulary = { read: READ, write: WRITE, cas: CAS };
const rising: Vocabulary = { read: READ, write: [...WRITE, 'write-max', 'raise'] };
const queue: Vocabulary = { enqueue: PUT, enq: [], dequeue: TAKE, deq: [] };
const lock: Vocabulary = { acquire: ['lock', 'try-lock', 'tryLock'], release: ['unlock'] };
const elements: Vocabulary = { add: [...ADD, 'write'], read: [...READ, 'list', 'read-all'] };
const drained: Vocabulary = { ...queue, drain: ['drain-all'] };
const counted: Vocabulary = { add: ['plus'], increment: ['inc', 'incr'], decrement: ['dec', 'decr'], read: READ };
const transactions: Vocabulary = {
  txn: ['transaction', 'transact', 'tx', 'read', 'write', 'append', 'r', 'w', 'read-write', 'read-only'],
};
const bank: Vocabulary = { read: ['balances', 'get', 'read-all'], accounts: [], transfer: ['move', 'pay'] };

/** By the name of the model or checker. A checker that is not here takes any function. */
export const vocabularies: Readonly<Record<string, Vocabulary>> = {
  append: { append: ['push', 'add', 'conj'], read: READ },
  bank,
  'bank-overdraft': bank,
  'cas-register': register,
  causal: register,
  'causal-reverse': { write: ['put', 'w'], add: ['insert', 'conj'], read: [...READ, 'list', 'read-all'] },
  counter: counted,
  'fenced-mutex': lock,
  fencing: lock,
  'fifo-queue': queue,
  'kv-append': { get: ['read', 'r', 'load'], put: ['write', 'set', 'w', 'store'], append: ['add', 'concat'] },
  'kv-versions': { get: ['read', 'r'], put: ['write', 'set', 'w'], delete: ['del', 'remove'], 'put-if': ['putIf'] },
  'list-append': transactions,
  lock,
  log: { send: ['produce', 'publish', 'append', 'write'], poll: ['consume', 'fetch', 'read', 'receive'], txn: [] },
  'long-fork': { read: ['r', 'get'], write: ['w', 'put'], txn: ['transaction', 'tx'] },
  'lost-writes': register,
  'max-register': rising,
  'monotonic-register': rising,
  'multi-register': transactions,
  mutex: lock,
  queue: drained,
  'reentrant-mutex': lock,
  register,
  'rw-register': transactions,
  sequential: { ...register, add: ['insert'] },
  sessions: register,
  set: {
    add: ADD,
    remove: ['delete', 'del', 'disj'],
    rem: [],
    contains: ['member', 'exists', 'includes'],
    has: [],
    read: [...READ, 'list', 'read-all'],
  },
  'set-eventual': elements,
  'set-full': elements,
  'sql-rows': transactions,
  stack: { push: ['put', 'add'], pop: ['take', 'remove'] },
  staleness: register,
  'total-queue': drained,
  'unique-ids': { generate: ['gen', 'next', 'next-id', 'new-id', 'generate-id', 'id'] },
  'unordered-queue': queue,
};

/** What may stand in a history beside the functions that are judged: it says nothing of the guarantee. */
export const passedOver: Readonly<Record<string, readonly string[]>> = {
  // Before its first write, Jepsen asks for the initial value under a name of its own.
  causal: ['read-init'],
  // A process that moves to other places of a log; `logsIn` knows what follows from it.
  log: ['assign', 'subscribe', 'unsubscribe', 'seek', 'crash', 'debug-topic-partitions'],
};

/** What micro-operations of transactions do, each with its other names. */
export const microFunctions: Vocabulary = { r: ['read', 'get'], w: ['write', 'put'], append: ['a', 'push', 'add'] };

/** Other names of models and of checkers, beside their own. */
export const otherNames: { readonly model: Vocabulary; readonly checker: Vocabulary } = {
  model: {
    append: ['list'],
    'cas-register': ['cas', 'compare-and-set', 'compare-and-set-register', 'etcd'],
    counter: ['g-counter', 'pn-counter'],
    'fenced-mutex': ['fenced-lock', 'fencing'],
    'fifo-queue': ['queue', 'fifo'],
    'kv-append': ['kv', 'key-value', 'kvs'],
    'max-register': ['max'],
    'multi-register': ['registers'],
    mutex: ['lock'],
    'reentrant-mutex': ['reentrant-lock', 'reentrant'],
    register: ['atomic-register', 'read-write-register'],
    set: ['g-set', 'grow-only-set'],
    stack: ['lifo', 'lifo-queue'],
    'unordered-queue': ['bag', 'multiset'],
  },
  checker: {
    'causal-reverse': ['comments'],
    'list-append': ['append', 'list'],
    lock: ['mutex', 'exclusion'],
    log: ['kafka', 'stream', 'log-queue'],
    'lost-writes': ['lost-write', 'durability'],
    queue: ['fifo-queue', 'fifo'],
    'rw-register': ['wr', 'wr-register', 'rw'],
    sequential: ['sequential-consistency'],
    sessions: ['session', 'session-guarantees'],
    // Jepsen's: what was acknowledged must be there in the end.
    'set-eventual': ['set'],
    'set-full': ['full-set'],
    'sql-rows': ['sql', 'rows'],
    'total-queue': ['unordered-queue', 'exactly-once-queue'],
    'unique-ids': ['unique-id', 'ids', 'uniques'],
    versions: ['epochs'],
  },
};

/** Names of whole families, with what to say instead. */
export const families: Readonly<Record<string, string>> = {
  elle: 'elle judges transactions, here --checker list-append, rw-register or sql-rows',
  txn: 'transactions are judged by --checker list-append, rw-register or sql-rows',
  linearizable: 'linearizability is judged by a model, such as --model register',
  linearizability: 'linearizability is judged by a model, such as --model register',
  knossos: 'linearizability is judged by a model, such as --model cas-register',
  porcupine: 'linearizability is judged by a model, such as --model kv-append',
};

/** The name that one of a table's other names stands for; `undefined` if it is none. */
export function meaningIn(table: Vocabulary, name: string): string | undefined {
  return Object.keys(table).find((own) => table[own]?.includes(name));
}

/** The own name of what a micro-operation does, be it a text or a keyword that was written as one. */
export function microFunction(f: Json): Json {
  if (typeof f !== 'string') return f;
  const name = f.replace(/^:/, '');
  return meaningIn(microFunctions, name) ?? name;
}

/** Own names by other names, for the functions of whoever judges: the model or checker of that name. */
export function renamedFor(judge: string): ReadonlyMap<string, string> {
  const vocabulary = vocabularies[judge] ?? {};
  return new Map(Object.entries(vocabulary).flatMap(([own, others]) => others.map((other) => [other, own] as const)));
}

/** Why a history cannot be judged that asks for these functions; `null` if it can. */
export function unfamiliar(judge: string, functions: readonly string[]): string | null {
  const vocabulary = vocabularies[judge];
  if (!vocabulary) return null;
  const known = [...Object.keys(vocabulary), ...(passedOver[judge] ?? [])];
  const strange = functions.filter((name) => !known.includes(name));
  if (strange.length === 0) return null;
  const asked = strange.map((name) => JSON.stringify(name.slice(0, 40)));
  return `the history asks for ${asked.slice(0, 5).join(', ')}, which ${judge} does not know; it knows ${Object.keys(vocabulary).join(', ')}`;
}
