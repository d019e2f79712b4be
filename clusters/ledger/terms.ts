/**
 * The terms of the ledger service, which its processes and its client agree on: accounts, limits, the names of the
 * settings that a process takes from its environment, and the bugs that can be planted in it.
 */

export const ACCOUNTS: readonly string[] = ['a1', 'a2', 'a3', 'a4', 'a5', 'a6', 'a7', 'a8'];

/** What every account begins with. Transfers of up to a hundred sometimes find a payer short of money. */
export const OPENING_BALANCE = 1_500;

/** The port that a node serves, as it numbers it itself. */
export const LEDGER_PORT = 8080;

/** The header that names a transfer, in lower case. */
export const KEY_FIELD = 'idempotency-key';

export const LIMITS = {
  bodyBytes: 16 * 1024,
  headerBytes: 8 * 1024,
  keyLength: 128,
  largestAmount: 1_000_000,
  connections: 512,
  /** Requests that a process works on or keeps waiting; the next is answered 503. */
  openRequests: 64,
  /** How long a request may wait for the store, from its arrival. */
  storeMs: 1_000,
  pageLength: 1_000,
} as const;

/** Environment variables of a service process. */
export const SETTING = {
  /** `n1`, for the log and for `/health`. */
  node: 'LEDGER_NODE',
  /** `host:port`. */
  listen: 'LEDGER_LISTEN',
  /** `sqlite:<absolute path>` or `postgres://…`. */
  store: 'LEDGER_STORE',
  /** One of `BUGS`; unset or empty: none. */
  bug: 'LEDGER_BUG',
} as const;

/** What can be wrong with the service, one switch each. */
export const BUGS = {
  'commit-before-record':
    'commits the transfer first and records its key a moment later: a crash in between, and the retry is applied again',
  'record-before-commit':
    'records key and answer first and commits the transfer a moment later: a crash in between, and a retry is told of a transfer that never was',
  'key-in-memory':
    'remembers keys in the memory of each process only: forgotten by a restart, unknown to the other nodes',
  'ack-before-commit': 'answers first and commits a moment later: a crash in between loses an acknowledged transfer',
  'unscoped-key': "ignores whose key it is: another payer's equal key counts as a repeat and gets that payer's answer",
  'reject-but-apply': 'answers 503 now and then although it has committed the transfer',
  'ignores-payload': 'repeats the answer of a key whatever the payload is that comes with it this time',
  'truncates-key': 'knows keys by their first 32 characters: two long keys that begin alike are one',
  'replays-5xx-as-new':
    'now and then answers 500 after it has committed, and forgets the key: the retry is applied again',
  'key-expires-early': 'forgets a key after a second and a half: a repeat that comes later is applied again',
  'keeps-reservation':
    'reserves a key without an end before it works on it: a crash in between, and the key is in use for ever',
  'retry-in-client': 'is sound, but its client library repeats a request by itself when a connection breaks',
  'stale-balance': 'answers balances from a cache that does not hear of what the other processes commit',
} as const satisfies Readonly<Record<string, string>>;

export type Bug = keyof typeof BUGS;

export const isBug = (name: string): name is Bug => Object.hasOwn(BUGS, name);

/** A request to move money, with the key that names it. */
export interface KeyedTransfer {
  readonly key: string;
  readonly from: string;
  readonly to: string;
  readonly amount: number;
}
