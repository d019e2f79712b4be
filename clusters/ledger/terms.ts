/**
 * The terms of the ledger service, which its processes and its client agree on: accounts, limits, the names of the
 * settings that a process takes from its environment, and the bugs that can be planted in it.
 */

/** Every tenant has accounts of these names. */
export const ACCOUNTS: readonly string[] = ['a1', 'a2', 'a3', 'a4'];

/** Who has accounts. A request without a tenant's name is of the first. */
export const TENANTS: readonly [string, ...string[]] = ['main', 'blue'];

/** The header that names the tenant, in lower case. */
export const TENANT_FIELD = 'tenant';

/** What an account is called outside its tenant: `a1` of the first tenant, `blue.a1` of another. */
export const fullName = (tenant: string, account: string): string =>
  tenant === TENANTS[0] ? account : `${tenant}.${account}`;

/** The tenant and the name within it of an account. */
export function partsOf(name: string): { readonly tenant: string; readonly account: string } {
  const dot = name.indexOf('.');
  return dot < 0 ? { tenant: TENANTS[0], account: name } : { tenant: name.slice(0, dot), account: name.slice(dot + 1) };
}

/** Of all tenants, by their full names. */
export const ALL_ACCOUNTS: readonly string[] = TENANTS.flatMap((tenant) =>
  ACCOUNTS.map((account) => fullName(tenant, account)),
);

/** What every account begins with. Transfers of up to a hundred sometimes find a payer short of money. */
export const OPENING_BALANCE = 1_500;

/** The port that a node serves, as it numbers it itself. */
export const LEDGER_PORT = 8080;

/** What stands behind the nodes: the store that is the primary at first, its replica, and the cache before balances. */
export const STORE = 'store';
export const REPLICA = 'replica';
export const CACHE = 'cache';

/** What a drill leaves in force ends by itself after so long, whatever becomes of the rig. */
export const DRILL_LIMIT_MS = 120_000;

/** The port that the cache serves, as it numbers it itself. */
export const CACHE_PORT = 8079;

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
  /** How long a balance may take from the primary store before a copy is asked, and any copy after that. */
  primaryReadMs: 300,
  copyMs: 150,
  /** A balance is never answered from a copy that may be older. */
  oldestCopyMs: 5_000,
} as const;

/** Environment variables of a service process. */
export const SETTING = {
  /** `n1`, for the log and for `/health`. */
  node: 'LEDGER_NODE',
  /** `host:port`. */
  listen: 'LEDGER_LISTEN',
  /** `sqlite:<absolute path>` or `postgres://…`. */
  store: 'LEDGER_STORE',
  /** `host:port` of the cache in front of balances; unset or empty: there is none. */
  cache: 'LEDGER_CACHE',
  /** With it processes seal what they put into the cache. */
  cacheSecret: 'LEDGER_CACHE_SECRET',
  /** One of `VARIANTS`; unset or empty: none. */
  variant: 'LEDGER_VARIANT',
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
  'leaks-across-tenants':
    "forgets that keys have a tenant: another tenant's equal key of an account of that name gets this one's answer",
  'reject-but-apply': 'answers 503 now and then although it has committed the transfer',
  'ignores-payload': 'repeats the answer of a key whatever the payload is that comes with it this time',
  'compares-bytes': 'knows a payload by its bytes: the same one, written in another form, is refused as another',
  'truncates-key': 'knows keys by their first 32 characters: two long keys that begin alike are one',
  'replays-5xx-as-new':
    'now and then answers 500 after it has committed, and forgets the key: the retry is applied again',
  'key-expires-early': 'forgets a key after a second and a half: a repeat that comes later is applied again',
  'key-never-expires': 'says that it forgets keys after six seconds, and keeps them for ever',
  'applies-old-keys': 'says that it refuses keys after six seconds, and applies what comes with them again',
  'keeps-reservation':
    'reserves a key without an end before it works on it: a crash in between, and the key is in use for ever',
  'retry-in-client': 'is sound, but its client library repeats a request by itself when a connection breaks',
  'balance-from-replica': 'answers every balance from the replica, as if that had always replayed everything',
  'trusts-cache': 'answers from the cache without looking at the seal: what somebody else put there is believed',
  'hides-staleness': 'answers from copies in an outage, and does not say that they are copies',
  'accepts-in-outage': 'acknowledges transfers while the store is out of reach, and applies them when it is back',
  'compensates-late':
    'looks up the key too late to notice a repeat beside it, and takes the second application back a while later',
  'key-not-replicated':
    'keeps its keys in a table that is not replicated: after a failover it knows none, and a repeat is applied again',
  'backup-forgets-keys':
    'leaves the keys out of its backups: after a restore it knows none, and a repeat is applied again',
  'trusts-its-input':
    'takes a body as it comes: what has the wrong type fails in the middle of the work, or is booked as it is',
  'stale-balance': 'answers balances from a cache that does not hear of what the other processes commit',
} as const satisfies Readonly<Record<string, string>>;

export type Bug = keyof typeof BUGS;

export const isBug = (name: string): name is Bug => Object.hasOwn(BUGS, name);

/** The sound ledger with a retention of keys that is shorter than a run. */
const SHORT_MEMORIES = {
  'forgets-old-keys':
    'is sound, and keeps keys for four seconds as its terms say: what comes after six is a new request',
  'refuses-old-keys': 'is sound, and keeps keys for four seconds as its terms say: what comes after six is refused',
} as const satisfies Readonly<Record<string, string>>;

export const VARIANTS: Readonly<Record<string, string>> = { ...SHORT_MEMORIES, ...BUGS };

/** For how long after its answer a key is kept, and what becomes of a request that comes with it later. */
export interface Retention {
  readonly keptMs: number;
  readonly becomes: 'new' | 'refused';
}

/** What the terms say of keys, where they are not kept for ever: known for at least so long, and then no longer than that. */
export const SAID_OF_KEYS = { atLeastMs: 4_000, atMostMs: 6_000 } as const;
/** In the middle, so that neither a slow answer nor another clock makes it less or more than was said. */
const SOUND_MS = 5_000;
const EARLY_MS = 1_500;

/** By variant, what the terms say becomes of old keys, and what is done; `null`: they are kept for ever. */
export const RETENTIONS: Readonly<
  Record<string, { readonly says: Retention['becomes']; readonly does: Retention | null }>
> = {
  'forgets-old-keys': { says: 'new', does: { keptMs: SOUND_MS, becomes: 'new' } },
  'refuses-old-keys': { says: 'refused', does: { keptMs: SOUND_MS, becomes: 'refused' } },
  'key-expires-early': { says: 'new', does: { keptMs: EARLY_MS, becomes: 'new' } },
  'key-never-expires': { says: 'new', does: null },
  'applies-old-keys': { says: 'refused', does: { keptMs: SOUND_MS, becomes: 'new' } },
};

/** Places in the code at which a process can be made to die; in the order in which a transfer comes by. */
export const CRASH_POINTS = ['received', 'reserved', 'applied', 'stored'] as const;
export type CrashPoint = (typeof CRASH_POINTS)[number];
export const isCrashPoint = (name: unknown): name is CrashPoint => CRASH_POINTS.includes(name as CrashPoint);

/** A request to move money, with the key that names it; accounts by their full names. */
export interface KeyedTransfer {
  readonly key: string;
  readonly from: string;
  readonly to: string;
  readonly amount: number;
  /** For `compares-bytes`: as it came. */
  readonly written?: string;
}
