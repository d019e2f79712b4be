/**
 * The words every room shares: what an operation is, and what a workload, nemesis, cluster, host, checker
 * and report must offer and may ask of each other.
 *
 * Types only. Read this file and one neighbour of what you want to write; nothing else is needed.
 */

import type { Clock } from './clock.ts';
import type { History } from './history.ts';
import type { Random } from './random.ts';

/** Whatever survives JSON unchanged: all that a history, fault or verdict may hold. */
export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };

/** A member of a cluster is its name, `n1`. Its address, process and disk are its cluster's secret. */
export type NodeId = string;

/** An end of a network link: a node, or a name the cluster gives to something else, such as `clients` or `store`. */
export type Party = string;

/** Two parties that talk to each other. */
export type Link = readonly [Party, Party];

// ── History ──────────────────────────────────────────────────────────────────────────────────────────────

/** What a client asks for. `f` names the function, the rest are its arguments. */
export type Input = { readonly f: string; readonly [argument: string]: Json };

/**
 * How an operation ended.
 *
 * - `ok`: it took effect, and `output` was observed.
 * - `fail`: it certainly did not take effect.
 * - `info`: nobody knows. It may take effect now, later, or never.
 *
 * `error` is a short kebab-case class, `timeout`, that can be counted; `detail` is for a person.
 */
export type Completion<Out extends Json = Json> =
  | { readonly type: 'ok'; readonly output: Out }
  | { readonly type: 'fail' | 'info'; readonly error: string; readonly detail?: string };

/** The stages of a run, in order. `down` is always reached, unless the rig itself is killed. */
export type Phase = 'bring-up' | 'warm-up' | 'load' | 'heal' | 'recovery' | 'final' | 'down';

/** How a run came to its end: as planned, by a person's signal, by one of its own limits, or because something could not be done. */
export type Ending = 'complete' | 'interrupted' | 'aborted' | 'failed';

/** What was seen of a fault while it was in force: whether it had any effect, and the observation, for a person. */
export type Evidence = {
  readonly effective: boolean;
  readonly observed: string;
  /** Of a fault that was to last until a moment: whether that came. */
  readonly reached?: boolean;
};

export type FaultAction = 'inject' | 'injected' | 'release' | 'released' | 'stuck' | 'skipped';

/**
 * A fault in the life of a run. `inject` is on disk before anything is touched; `stuck` means that the undo failed;
 * `skipped`, that the fault was due and nothing was done.
 */
export type FaultEvent = {
  readonly type: 'nemesis';
  readonly nemesis: string;
  /** The name under which the changes are held; unique in a run. */
  readonly hold: string;
  readonly action: FaultAction;
  readonly fault: Json;
  /** The fault as a plain sentence. */
  readonly sentence: string;
  /** On `released`, what was seen while it was in force; on `stuck`, what went wrong; on `skipped`, why. */
  readonly evidence?: Evidence;
};

/** A stage begins, with what there is to say about it. The last `down` carries how the run ended. */
export type PhaseEvent = {
  readonly type: 'phase';
  readonly phase: Phase;
  readonly note?: string;
  readonly ending?: Ending;
  /** On the last `down`: what may still be in force or left behind outside the rig. */
  readonly left?: string;
};

/** A request leaves a client. `dueNs` is when open-loop load meant to send it; latency counts from there. */
export type InvokeEvent<In extends Input = Input> = {
  readonly type: 'invoke';
  readonly process: number;
  readonly node: NodeId;
  readonly input: In;
  readonly dueNs?: number;
};

/** An answer, or the lack of one. */
export type CompletionEvent<Out extends Json = Json> = {
  readonly process: number;
  readonly node: NodeId;
} & Completion<Out>;

/** One line of `history.jsonl` before the journal has said where and when in the history it stands. */
export type Unstamped<In extends Input = Input, Out extends Json = Json> =
  | InvokeEvent<In>
  | CompletionEvent<Out>
  | FaultEvent
  | PhaseEvent;

/** One line of `history.jsonl`, written the moment it happened. */
export type HistoryEvent<In extends Input = Input, Out extends Json = Json> = {
  /** Position in the history: 0, 1, 2, … with no gaps. */
  readonly index: number;
  /** Nanoseconds since the run began, on one monotonic clock. */
  readonly timeNs: number;
} & Unstamped<In, Out>;

/** An invocation paired with its completion, as an object: a convenience, never what a hot loop walks. */
export interface Operation<In extends Input = Input, Out extends Json = Json> {
  /** Index of the invocation event; the operation's name in verdicts and reports. */
  readonly index: number;
  readonly process: number;
  readonly node: NodeId;
  readonly input: In;
  /** An operation that never completed ends as `info`, `never-completed`. */
  readonly completion: Completion<Out>;
  readonly invokedNs: number;
  /** `Infinity` for an `info`: it may still take effect after the run ends. */
  readonly completedNs: number;
  /** When it was meant to be sent; equals `invokedNs` for closed-loop load. */
  readonly dueNs: number;
}

// ── APIs: what a workload needs of a system ──────────────────────────────────────────────────────────────

/** Ways of talking to a system. A cluster offers some; a workload needs one. */
export interface Apis {
  readonly feed: Feed;
  readonly kv: KeyValue;
  readonly ledger: Ledger;
  readonly lock: Locks;
  readonly service: Service;
  readonly txn: Transactional;
}

export type ApiName = keyof Apis;

/**
 * A connection to one node, speaking one API. Disposing it hangs up; it never throws.
 *
 * A call rejects with a `RequestError` whose class is listed in `definite` when the request certainly had no
 * effect. Every other rejection is indefinite.
 */
export type Client<A extends ApiName = ApiName> = Apis[A] &
  AsyncDisposable & { readonly definite: ReadonlySet<string> };

/** Single keys, each a register. An absent key reads as `null`. */
export interface KeyValue {
  get(key: string, signal: AbortSignal): Promise<Json>;
  put(key: string, value: Json, signal: AbortSignal): Promise<void>;
  /** Resolves to whether the swap happened. `from: null` expects the key to be absent. */
  cas(key: string, from: Json, to: Json, signal: AbortSignal): Promise<boolean>;
}

/** Locks that are leased, by name. */
export interface Locks {
  /**
   * Resolves to the fencing token, higher than that of every holder before. The lease lasts at least until `ttlMs`
   * after it was asked for. Whoever finds it taken waits, or is refused with `held`.
   */
  acquire(name: string, ttlMs: number, signal: AbortSignal): Promise<number>;
  /** Gives back what was acquired on this connection under that token. */
  release(name: string, token: number, signal: AbortSignal): Promise<void>;
}

/** Keys whose changes can be followed. Every change makes the next revision of the store. */
export interface Feed {
  /** Resolves to the revision made. `null` deletes the key; 0 says that there was nothing to delete. */
  write(key: string, value: Json, signal: AbortSignal): Promise<number>;
  /** What the key is, and the revision that made it so; `null` and 0 if it is not there. */
  read(key: string, signal: AbortSignal): Promise<{ readonly value: Json; readonly revision: number }>;
  /** The changes of all keys that begin with `prefix`, as they were delivered, from revision `from` until one of at least `to` was. */
  watch(prefix: string, from: number, to: number, signal: AbortSignal): Promise<readonly FeedMessage[]>;
}

/** What was delivered at once, and how far the store had come. */
export type FeedMessage = { readonly revision: number; readonly changes: readonly FeedChange[] };
/** `created` if the key was absent before; `previous` is its value before, where the system tells it. */
export type FeedChange = {
  readonly key: string;
  readonly value: Json;
  readonly revision: number;
  readonly created: boolean;
  readonly previous?: Json;
};

/** Several keys at once: all of a transaction takes effect, or nothing. */
export interface Transactional {
  /**
   * Resolves to the same micro-operations with what was read filled in. `append` takes a key's value for a list; an
   * `insert` where there is a row already is refused with `row-exists`.
   */
  transact(transaction: readonly MicroOperation[], signal: AbortSignal): Promise<readonly MicroOperation[]>;
}

/**
 * What one transaction does to one key: to a register or list, or as a SQL statement to the row of that primary key. A
 * key that nobody wrote reads as `null`. An answered update or delete tells how many rows it `changed`, 0 or 1.
 */
export type MicroOperation =
  | readonly [f: 'r' | 'w' | 'append' | 'select' | 'insert' | 'update' | 'delete', key: string, value: Json]
  | readonly [f: 'update' | 'delete', key: string, value: Json, changed: number];

/** Money moved between accounts, each transfer named by the client's idempotency key. Amounts are whole numbers. */
export interface Ledger {
  /** Resolves to what the service answered; the same key must get the same answer for ever. */
  transfer(transfer: Transfer & Written, signal: AbortSignal): Promise<TransferReceipt>;
  /** `mayBeOld`: an answer from a copy will do, if it says how old it may be. Others may say so in an outage. */
  balance(account: string, signal: AbortSignal, mayBeOld?: boolean): Promise<number | AgedBalance>;
  accounts(signal: AbortSignal): Promise<readonly Account[]>;
  /** Every transfer applied, in order, as often as it was applied: a multiset, never deduplicated. */
  applied(signal: AbortSignal): Promise<readonly AppliedTransfer[]>;
}

export type Transfer = { readonly key: string; readonly from: string; readonly to: string; readonly amount: number };
/**
 * In which other form a payload is written that means the same: its fields in another order, with spaces, whole numbers as
 * `5.0` or `5e0`, letters as `\u0061`, or with what it leaves out written down.
 */
export type PayloadForm = 'reordered' | 'spaced' | 'decimals' | 'exponents' | 'escaped' | 'defaults';
export type Written = { readonly form?: PayloadForm };
/** `id` is the service's name for the applied transfer; `replayed` says that an earlier answer was repeated. */
export type TransferReceipt = { readonly id: string; readonly amount: number; readonly replayed: boolean };
export type Account = { readonly account: string; readonly opening: number; readonly balance: number };
/** What an account held at some time in the last `staleMs` milliseconds before the answer. */
export type AgedBalance = { readonly balance: number; readonly staleMs: number };
export type AppliedTransfer = Transfer & { readonly id: string };

/** A service that names what is asked of it by the client's idempotency key, in the terms that it was declared by. */
export interface Service {
  /** The same on every node. */
  terms(signal: AbortSignal): Promise<ServiceTerms>;
  /** Resolves to an answer of acceptance; every other is an error of the class `http-STATUS`. */
  request(request: ServiceRequest, signal: AbortSignal): Promise<ServiceAnswer>;
  /** Every effect that requests had, as often as they had it: a multiset, never deduplicated. */
  effects(signal: AbortSignal): Promise<readonly ServiceEffect[]>;
  /** What a safe request shows of what such a request is about. */
  state(look: ServiceLook, signal: AbortSignal): Promise<ServiceState>;
  /** Sends a request spoilt in one way. Resolves to how that ended, whatever it was. */
  probe(probe: ServiceProbe, signal: AbortSignal): Promise<ProbeAnswer>;
  /** Bytes that the node's processes hold in memory; `null` where that cannot be seen. */
  memory(signal: AbortSignal): Promise<number | null>;
}

/** What was declared of a service: what can be asked, and what its answers mean. */
export type ServiceTerms = {
  readonly name: string;
  readonly operations: {
    readonly [operation: string]: {
      readonly values: { readonly [value: string]: ValueRange };
      readonly method?: string;
      /** Where `state` can tell of it: operations with the same path change the same objects. */
      readonly state?: { readonly path: string; readonly conditional: boolean };
    };
  };
  /** Part of every key of this run. */
  readonly keyPrefix: string;
  readonly longestKey: number;
  /** Values that name a request together with its key. */
  readonly scope: readonly string[];
  /** Classes of error: a request with this key is being worked on; it was used with another payload; a refusal that is kept. */
  readonly inUse: readonly string[];
  readonly mismatch: readonly string[];
  readonly kept: readonly string[];
  /** Statuses of acceptance, and every status that certainly means that nothing was done. */
  readonly ok: readonly number[];
  readonly fail: readonly number[];
  readonly methods: readonly string[];
  /** Whether a repeat gets the same body too, to the byte. */
  readonly repeatsBody: boolean;
  /** Whether a repeat may be written in another form; otherwise that may be refused as another payload. */
  readonly comparesMeaning: boolean;
  /** How long keys are kept at least; `null`: longer than any run. */
  readonly retentionMs: number | null;
  /** What becomes of a key so long after it was first used; `null`: nothing is said of that. */
  readonly expiry: { readonly afterMs: number; readonly becomes: 'new' | 'refused' } | null;
  /** Classes of error: the key is older than keys are kept. */
  readonly expired: readonly string[];
};

/** From what a value of a request is drawn. `not`: another value of the request, from which it differs. */
export type ValueRange =
  | { readonly oneOf: readonly (string | number)[]; readonly not?: string }
  | { readonly integer: readonly [min: number, max: number] }
  | { readonly text: readonly [shortest: number, longest: number] }
  | { readonly uuid: true };

export type ServiceValues = { readonly [value: string]: string | number };
export type ServiceRequest = Written & {
  readonly operation: string;
  readonly key: string;
  readonly values: ServiceValues;
  /** The ETag that the state must still have for anything to be done. */
  readonly ifMatch?: string;
};
/** RFC 9110, section 9.2.1: methods that ask for nothing to be changed. */
export type SafeMethod = 'GET' | 'HEAD' | 'OPTIONS';
/** Default: GET, which alone shows the state; of the others, what is shown is the status. */
export type ServiceLook = Pick<ServiceRequest, 'operation' | 'values'> & { readonly by?: SafeMethod };
/** `shown`: the status and a short text, equal where the state is; `etag` of it, where the service tells one. */
export type ServiceState = { readonly shown: string; readonly etag: string | null };
/** `id` is the service's name for the effect, where it has one. */
export type ServiceAnswer = { readonly status: number; readonly id: string | null };
/** `values`: those that can be seen of it. */
export type ServiceEffect = { readonly key: string; readonly id: string | null; readonly values: ServiceValues };

/** A request, and the one way in which it is spoilt. The request that a `smuggle` hides bears the key with `-hidden` behind it. */
export type ServiceProbe = ServiceRequest & { readonly spoilt: Spoiling };
/**
 * How a probe's request is spoilt. `field` counts the values in its body, `percent` tells where in its bytes. With
 * `certain`, nobody may take it for a request that means something: it must be refused.
 */
export type Spoiling = { readonly certain: boolean } & (
  | { readonly how: 'value' | 'twice' | 'unknown'; readonly field: number; readonly value: Json }
  | { readonly how: 'literal'; readonly field: number; readonly text: string }
  | { readonly how: 'missing'; readonly field: number }
  | { readonly how: 'deep'; readonly depth: number }
  | { readonly how: 'large'; readonly bytes: number }
  | { readonly how: 'large-header'; readonly bytes: number }
  | { readonly how: 'many-headers'; readonly count: number }
  | { readonly how: 'cut' | 'short'; readonly percent: number }
  | { readonly how: 'bytes'; readonly percent: number; readonly bytes: readonly number[] }
  | { readonly how: 'type'; readonly type: string }
  | { readonly how: 'split'; readonly pieces: number; readonly gapMs: number }
  | { readonly how: 'chunk'; readonly size: string }
  | { readonly how: 'line'; readonly line: string }
  | { readonly how: 'smuggle'; readonly shape: SmugglingShape }
);
/** Where two readers of one message may see different ends of it; behind one of them another request is hidden. */
export type SmugglingShape = 'cl-te' | 'te-cl' | 'two-lengths' | 'spaced-coding' | 'odd-coding' | 'folded-length';
/** `status: null`: the connection ended without an answer. `detail`: what it began with, for a person. */
export type ProbeAnswer = { readonly status: number | null; readonly detail: string };

// ── Moments: when a fault begins and ends, where not by the clock ────────────────────────────────────────

/**
 * A moment that is told by what happens: the cluster, or one node, is in a state that the cluster tells of, or no
 * longer; or so many more requests were acknowledged, by anybody or by one node.
 */
export type Moment =
  | { readonly state: string; readonly of?: NodeId; readonly ends?: boolean }
  | { readonly acknowledged: number; readonly by?: NodeId };

/**
 * Between which moments a fault is in force. Without `from` it begins at its time; without `until` it lasts as long as
 * was drawn. It never lasts longer than the longest fault, and is skipped if it has not begun when faults end.
 */
export type Span = { readonly from?: Moment; readonly until?: Moment };

/** Whether a state holds, and what was seen, for a person. */
export type Sight = { readonly holds: boolean; readonly observed: string };

// ── Controls: what a nemesis needs of a cluster ──────────────────────────────────────────────────────────

/**
 * The levers of a running cluster. Every change made through them belongs to the hold they were asked for under; what is
 * in force is the union of all holds that are not released.
 *
 * One more: its levers here, one file in `clusters/hosts/controls/` with how nodes are made to agree with what is wanted
 * of them, and, if the change outlives the rig, how it is undone by what is found at a node (`undo.ts` there).
 */
export interface Controls {
  readonly calls: CallControl;
  readonly clocks: ClockControl;
  readonly descriptors: DescriptorControl;
  readonly disks: DiskControl;
  readonly membership: MembershipControl;
  readonly network: NetworkControl;
  readonly processes: ProcessControl;
  readonly resources: ResourceControl;
  readonly traffic: TrafficControl;
  readonly drills: DrillControl;
  readonly upgrades: UpgradeControl;
}

export type ControlName = keyof Controls;

/** What cannot be had at some place: a lever, `network.delay`, → why not, and what to do about it. */
export type Lacks = Readonly<Record<string, string>>;

/**
 * What becomes of all that any of `from` sends to any of `to`: one way. In force once it resolves. Several on one way come
 * together: the hardest first, of two of one kind the harder.
 */
export interface NetworkControl {
  /** It vanishes without a word: a blackhole. */
  drop(from: readonly Party[], to: readonly Party[]): Promise<void>;
  /**
   * Cuts each of `out` off from all `others`, both ways, one after the other and `gapMs` apart; in force once the last one
   * is. Released, they come back in the order of `back`, as far apart.
   */
  swizzle(out: readonly NodeId[], others: readonly Party[], back: readonly NodeId[], gapMs: number): Promise<void>;
  /** It is answered by a reset: whoever connects is refused at once, and who goes on talking is hung up on. */
  reject(from: readonly Party[], to: readonly Party[]): Promise<void>;
  /** New connections vanish without a word; established ones go on. */
  dropNew(from: readonly Party[], to: readonly Party[]): Promise<void>;
  /** Each packet is lost with this probability, above 0 and below 1. */
  lose(from: readonly Party[], to: readonly Party[], probability: number): Promise<void>;
  /** No more gets through, of each sender. */
  limit(from: readonly Party[], to: readonly Party[], bytesPerSecond: number): Promise<void>;
  /** It arrives so much later, give or take the jitter, which may change the order of packets. */
  delay(from: readonly Party[], to: readonly Party[], delay: Delay): Promise<void>;
  /** Each packet is held back with this probability, so that later ones overtake it. */
  reorder(from: readonly Party[], to: readonly Party[], probability: number): Promise<void>;
  /** A bit of each packet is flipped with this probability; checksums mostly find it, and the packet is lost. */
  corrupt(from: readonly Party[], to: readonly Party[], probability: number): Promise<void>;
  /** Each packet arrives twice with this probability. */
  duplicate(from: readonly Party[], to: readonly Party[], probability: number): Promise<void>;
  /** Breaks the connections that are established between them now, at both ends. Nothing stays, so nothing is undone. */
  reset(from: readonly Party[], to: readonly Party[]): Promise<void>;
  /** Name servers are not heard by these nodes, or refuse them: what has to be looked up cannot be. */
  failNames(nodes: readonly NodeId[], by: 'silence' | 'refusal'): Promise<void>;
}

export type Delay = { readonly ms: number; readonly jitterMs: number };

export interface ProcessControl {
  /** `SIGKILL`; released, the node is started again on the same data. */
  kill(nodes: readonly NodeId[]): Promise<void>;
  /** `SIGSTOP`; released, `SIGCONT`. */
  pause(nodes: readonly NodeId[]): Promise<void>;
  /** `SIGTERM`, and `SIGKILL` to what has not ended a few seconds later; released, the node is started again. */
  terminate(nodes: readonly NodeId[]): Promise<void>;
  /** `SIGKILL`, started again for so long, `SIGKILL`, and so on; released, the node is started once more. */
  loop(nodes: readonly NodeId[], upMs: number): Promise<void>;
}

/** System calls by their Linux names, `fdatasync`, at the boundary between a node's program and the kernel. */
export interface CallControl {
  /** A thread of the node that makes this call for the `number`th time dies of it, with its process; released, the node is started again. */
  crashAt(nodes: readonly NodeId[], call: string, number: number): Promise<void>;
  /** Every so manieth such call of a thread is not made and fails with that error, `EIO`. */
  fail(nodes: readonly NodeId[], call: string, error: string, every: number): Promise<void>;
}

/** What time it is to a node's programs; never the clock of a machine. */
export interface ClockControl {
  /** From now on. Several holds add up. Released, the clock is right again, by a jump. */
  shift(nodes: readonly NodeId[], shift: ClockShift): Promise<void>;
}

export type ClockShift = {
  /** How far the clock jumps, back if negative. */
  readonly byMs: number;
  /** How much faster than time it goes from then on: 100 is a tenth more; slower if negative. */
  readonly driftPerMille?: number;
  /** It jumps there and back again, staying so long each time. */
  readonly everyMs?: number;
};

/** The disks on which nodes keep their data: file systems that the rig made for them. */
export interface DiskControl {
  /** Nothing can be written any more: `ENOSPC`. */
  fill(nodes: readonly NodeId[]): Promise<void>;
  /** Nothing can be changed any more: `EROFS`. */
  makeReadOnly(nodes: readonly NodeId[]): Promise<void>;
  /** Every read, write, sync and change of a name takes so much longer. */
  slow(nodes: readonly NodeId[], ms: number): Promise<void>;
  /** Such calls fail with `EIO`, each with this probability. */
  fail(nodes: readonly NodeId[], calls: readonly DiskCall[], chance: number, seed: number): Promise<void>;
  /** Power loss: the node is killed, and what it has written and not made durable is gone. Released, it is started again. */
  losePower(nodes: readonly NodeId[]): Promise<void>;
  /** For ever: the node is killed, and bits of one of its files are turned over, or the end is cut off. Released, it is started again. */
  damage(nodes: readonly NodeId[], how: 'flip' | 'truncate', seed: number): Promise<void>;
}

/** What a node asks of its disk: reading, writing, making it durable, or making, renaming and removing names. */
export type DiskCall = 'read' | 'write' | 'sync' | 'name';

export interface ResourceControl {
  /** Hundredths of one processor, for all that the node does. */
  processor(nodes: readonly NodeId[], percent: number): Promise<void>;
  /** So many per cent more memory than the node needs just now; beyond that the kernel kills it. Released, it is started again. */
  memory(nodes: readonly NodeId[], sparePercent: number): Promise<void>;
  /** No more processes and threads than so many beside those that there are. */
  processes(nodes: readonly NodeId[], spare: number): Promise<void>;
}

export interface DescriptorControl {
  /** Each process of the node can have no more files and connections open than so many beside those that it has. */
  limit(nodes: readonly NodeId[], spare: number): Promise<void>;
}

/** Who belongs to the system, through what it offers itself for that; one node after the other. */
export interface MembershipControl {
  /** They leave, and end. Released, they join again, with nothing of what they knew. */
  remove(nodes: readonly NodeId[]): Promise<void>;
  /** Spare nodes join. Released, they leave. */
  add(nodes: readonly NodeId[]): Promise<void>;
  /** Each leaves and joins again on an empty disk, as a machine that was lost for good. Nothing stays to be undone. */
  replace(nodes: readonly NodeId[]): Promise<void>;
}

/** Which version of the system nodes run: the one that they came up with, or the other one that the system offers. */
export interface UpgradeControl {
  /**
   * One node after the other is asked to end, and started as the other version on the same data; each serves before the
   * next one is asked. Released, they go back in the same way.
   */
  roll(nodes: readonly NodeId[]): Promise<void>;
}

export interface TrafficControl {
  /** From now on meddles with requests on their way between clients and nodes. In force once it resolves. */
  apply(rule: TrafficRule): Promise<void>;
}

export interface DrillControl {
  /** Brings about what only the system itself can: a trouble of its own parts. In force once it resolves. */
  begin(drill: Drill): Promise<void>;
}

/** A trouble of the system's own parts, and the nodes that it is made for; which there are, a cluster says by `drills`. */
export type Drill = { readonly name: DrillName; readonly nodes: readonly NodeId[]; readonly how?: string };

/**
 * - `cache-expiry`: the cache forgets everything and remembers nothing. `cache-poison`: it hands out what is wrong.
 * - `crash-point`: these nodes die at that place in the code, `how`, the next time they come by.
 * - `failover`: the primary store is killed, and its replica becomes the primary.
 * - `replica-lag`: the replica does not replay what it receives.
 * - `restore`: the store is backed up, destroyed, and restored from the backup; writes wait meanwhile.
 * - `store-outage`: these nodes cannot reach the primary store, or, `how` being `all`, no copy of it either.
 */
export type DrillName =
  | 'cache-expiry'
  | 'cache-poison'
  | 'crash-point'
  | 'failover'
  | 'replica-lag'
  | 'restore'
  | 'store-outage';

/** Which requests are meddled with, and how. All that it says of a request must hold; of two rules the older has it. */
export type TrafficRule = {
  /** Requests to these nodes. */
  readonly nodes: readonly NodeId[];
  /** `POST`; default: every method. */
  readonly methods?: readonly string[];
  /** What the path begins with. */
  readonly path?: string;
  /** Requests that bear this idempotency key, or `*`: any. Default: whether they bear one or not. */
  readonly key?: string;
  /** Each of them with this probability, drawn from `seed`, the request and how often it was seen: not from the order of arrival. */
  readonly chance?: number;
  readonly seed?: number;
  /** Every so manieth of them, the first included. */
  readonly every?: number;
  /** No more than so many. */
  readonly most?: number;
  readonly act: TrafficAct;
};

/**
 * What is done to a request.
 *
 * - `lose-answer`: the node does its work, the client hears nothing of it: a reset connection, or silence.
 * - `repeat`: copies are delivered as well, `gapMs` apart: at once, after the answer, or, all of them, when the rule is released.
 * - `delay`: the request, or its answer, travels so long. A request arrives even if its client has given up.
 * - `swap`: the request waits for the next one that the rule picks, which overtakes it, or for `withinMs`.
 * - `slow`: the request trickles to the node, or its answer is read so slowly; released, the rest follows at once.
 * - `tear`: the connection breaks in the middle of the request, or of the answer, by a reset or by a clean end.
 */
export type TrafficAct =
  | { readonly do: 'lose-answer'; readonly by: 'reset' | 'silence' }
  | {
      readonly do: 'repeat';
      readonly copies: number;
      readonly to: 'same' | 'others';
      readonly when: 'at-once' | 'answered' | 'released';
      readonly gapMs: number;
      /** Whether the client hears the answer to its own request. */
      readonly answer: 'passed' | 'lost';
    }
  | { readonly do: 'delay'; readonly what: 'request' | 'answer'; readonly ms: number }
  | { readonly do: 'swap'; readonly withinMs: number }
  | { readonly do: 'tear'; readonly what: 'request' | 'answer'; readonly by: 'reset' | 'end' }
  | { readonly do: 'slow'; readonly what: 'request' | 'answer'; readonly bytesPerSecond: number };

/** One line of `wire.jsonl`: a request as it really was sent to a node, whoever sent it. */
export type WireEntry = {
  /** Counts what was sent, from 0. Lines come in the order in which the exchanges ended. */
  readonly number: number;
  /** `copy`: made by a rule, of the request that `of` names. */
  readonly origin: 'client' | 'copy';
  readonly of?: number;
  readonly node: NodeId;
  readonly method: string;
  readonly path: string;
  /** The idempotency key, its first 1024 characters; `null` if there was none. */
  readonly key: string | null;
  /** The first 64 bits of the SHA-256 of the body, in hexadecimal; `null` where there was no body. */
  readonly payload: string | null;
  /** On the clock of the history. */
  readonly sentNs: number;
  readonly endedNs: number;
  /** The hold whose rule meddled with it. */
  readonly rule?: string;
  /** What the node answered, as far as it was heard; `null`: nothing. */
  readonly status: number | null;
  /** As `payload`, of the answer; `null` too unless all of it was heard, in one piece. */
  readonly answer: string | null;
  /** Whether its client got the whole answer. Of a copy: whether the node answered. */
  readonly answered: boolean;
};

// ── Clusters ─────────────────────────────────────────────────────────────────────────────────────────────

/** Where nodes live: containers, network namespaces, plain processes, this process; or wherever they were found. */
export type HostName = 'docker' | 'netns' | 'loopback' | 'memory' | 'attached';

/** A system that can be brought up: what a folder in `clusters/` exports. */
export interface Cluster {
  readonly name: string;
  /** One sentence for `ordeal list`. */
  readonly summary: string;
  readonly apis: readonly ApiName[];
  readonly controls: readonly ControlName[];
  /** Which drills it knows on that host; absent: none. */
  drills?(host: HostName): readonly DrillName[];
  /** The hosts it can live on, the preferred first; the run takes the first that is available here. */
  readonly hosts: readonly HostName[];
  /** Other ways to run it, most of them with a known bug: name → one sentence. Asked for as `cluster:variant`. */
  readonly variants: Readonly<Record<string, string>>;
  readonly nodeCounts: { readonly default: number; readonly allowed: readonly number[] };
  /** False where nodes hold no votes and no data: then any number of them may be down at once. */
  readonly quorum?: boolean;
  /** The levers of its controls that cannot be had on that host of this machine. Absent: none. Never rejects. */
  lacks?(host: HostName): Promise<Lacks>;
  /** How that host carries out a lever, `network.drop`, with these arguments, and how it is undone: for a plan. */
  commands?(host: HostName, lever: string, given: readonly unknown[]): LeverCommands;
  /** The states that it can be seen to be in, of a node or as a whole: name → one sentence. */
  readonly states?: Readonly<Record<string, string>>;
  /** Who will be there once it is up, for a plan. Absent: `n1`, `n2`, …, and `clients`, all of whom talk to each other. */
  layout?(nodeCount: number, host: HostName): Layout;
  up(options: ClusterOptions): Promise<RunningCluster>;
}

/** Commands, each with the node it is for, `n1: kill -STOP …`; none where what is done is no command. */
export type LeverCommands = { readonly does: readonly string[]; readonly undoes: readonly string[] };

export interface ClusterOptions {
  /** Carried by the name or label of everything that is made outside the rig, so that it can be swept. */
  readonly runId: string;
  readonly host: HostName;
  readonly variant: string | null;
  readonly nodeCount: number;
  /** What the nemeses of the run will need: nodes are brought up so that it can be had, or not at all. Absent: nothing that has to be prepared. */
  readonly controls?: readonly ControlName[];
  /** The run's own directory, absolute. The cluster may write below `nodes/`. */
  readonly directory: string;
  readonly rng: Random;
  readonly clock: Clock;
  /** Says in a few words what is going on, `building image ordeal/etcd (3/4)`. */
  progress(message: string): void;
  /** Aborts when the time for bringing up is over; `up` then undoes its part and rejects. */
  readonly signal: AbortSignal;
}

/** Who is there: what a nemesis chooses from. */
export interface Layout {
  readonly nodes: readonly NodeId[];
  /** Everything between which the network can be cut: the nodes, and perhaps `clients` or `store`. */
  readonly parties: readonly Party[];
  /** Which of them talk to each other, where not all do: a cut elsewhere changes nothing. */
  readonly links?: readonly Link[] | undefined;
  /** Whom a control can strike, where that is not just every node: `disks`, a `store`. */
  readonly subjects?: Subjects | undefined;
  /** Nodes that may join, where the cluster offers `membership`. */
  readonly spares?: readonly NodeId[] | undefined;
}

export type Subjects = { readonly [control in ControlName]?: readonly NodeId[] };

/** A cluster that answers. Disposing it takes it down whatever state it is in, and leaves nothing behind. */
export interface RunningCluster extends Layout, AsyncDisposable {
  /** Versions, image digests, addresses: for the report's environment section. */
  readonly facts: Readonly<Record<string, string>>;
  /** Aborts, its reason a sentence, when faults may have been undone behind the rig's back: the run is to end as failed. */
  readonly lost?: AbortSignal | undefined;
  /** Cheap; the rig keeps one client for each process and connects anew after an `info`. */
  connect<A extends ApiName>(api: A, node: NodeId): Promise<Client<A>>;
  /** Nodes that believe they lead right now; best effort, may be several or none. Never rejects. */
  primaries(signal: AbortSignal): Promise<readonly NodeId[]>;
  /** Whether the node, or with `null` the cluster, is in one of the states that the cluster tells of. Rejects: not known. */
  observe?(state: string, node: NodeId | null, signal: AbortSignal): Promise<Sight>;
  /** Its levers, with every change they make recorded under `hold`. */
  controls(hold: string): Partial<Controls>;
  /** What the changes under `hold` have done so far: packets dropped, processes gone. */
  inspect(hold: string): Promise<Evidence>;
  /**
   * Undoes every change made under `hold` and sees that it is undone. Any number of times, in any order.
   * Rejects when something may still be in force.
   */
  release(hold: string): Promise<void>;
  /** Resolves once every node serves again; rejects, saying which does not and why, when the signal aborts. */
  recovered(signal: AbortSignal): Promise<void>;
  /** Copies every node's logs below `directory`, for a person to read later. */
  collect(directory: string): Promise<void>;
}

/** A kind of place for nodes to live, as `ordeal doctor` and `ordeal heal` see it. */
export interface HostDriver {
  readonly name: HostName;
  /** What it can and cannot do on this machine, each with its reason and what to install. Never rejects. */
  probe(): Promise<readonly Capability[]>;
  /** The levers of all controls that cannot be had there. Never rejects. */
  lacks(): Promise<Lacks>;
  /**
   * Removes everything that run left outside the rig, found by its tag alone: containers, namespaces, rules,
   * processes. `null` means every run. Returns what was removed, a line each. Safe at any time, any number of times.
   */
  sweep(runId: string | null): Promise<readonly string[]>;
}

/** `needed: true` means that without it nothing runs on that host. */
export interface Capability {
  readonly name: string;
  readonly available: boolean;
  readonly needed: boolean;
  /** What was seen, and where it is missing, what to install or do. */
  readonly reason: string;
}

// ── Workloads and nemeses ────────────────────────────────────────────────────────────────────────────────

/** A request with directions: through which node instead of the worker's own, and how long to wait before it. */
export interface Directed<In extends Input = Input> {
  readonly ask: In;
  readonly via?: NodeId;
  readonly afterMs?: number;
}

/** What one worker asks, in turn. A `yield` hands back how that request ended. */
export type Requests<In extends Input, Out extends Json> = Generator<In | Directed<In>, void, Completion<Out>>;

export interface WorkerContext {
  readonly worker: number;
  readonly workerCount: number;
  readonly nodes: readonly NodeId[];
  /** The node this worker talks to. */
  readonly node: NodeId;
  /** This worker's own stream of chance, forked by name from the run's seed. */
  readonly rng: Random;
  /** The run's seed as a stream, for workers that must draw the same: fork it by a shared name. */
  readonly shared: Random;
}

/** What a worker is told when the load is over. */
export interface FinalContext<In extends Input = Input> extends WorkerContext {
  /** Requests of any worker that ended as `info` and were not answered later: each once, the newest 1000. */
  readonly unsettled: readonly In[];
}

/**
 * RFC 9110, section 9.2: repeating a `safe` request changes nothing, repeating an `idempotent` one changes
 * nothing more, repeating an `unsafe` one may. A lost safe request is a `fail`; any other is an `info`.
 */
export type Semantics = 'safe' | 'idempotent' | 'unsafe';

export interface Workload<A extends ApiName = ApiName, In extends Input = Input, Out extends Json = Json> {
  readonly name: string;
  /** One sentence for `ordeal list`. */
  readonly summary: string;
  readonly api: A;
  readonly checkers: readonly Checker<In, Out>[];
  readonly semantics: { readonly [f in In['f']]: Semantics };
  /** One for each worker, asked until the load ends. */
  generator(context: WorkerContext): Requests<In, Out>;
  /** One for each worker, asked after every hold is released and the cluster has recovered. */
  finalGenerator?(context: FinalContext<In>): Requests<In, Out>;
  /** Throw `Refused` for a definite no; anything else thrown is decided by the client's `definite` and `semantics`. */
  invoke(api: Apis[A], input: In, signal: AbortSignal): Promise<Out>;
}

export interface ChooseContext extends Layout {
  readonly rng: Random;
  readonly primaries: readonly NodeId[];
}

export interface Nemesis<C extends ControlName = ControlName, Fault extends Json = Json> {
  readonly name: string;
  /** One sentence for `ordeal list`. */
  readonly summary: string;
  readonly controls: readonly C[];
  /** The states of the system that its spans speak of. A cluster that does not tell of one refuses the nemesis. */
  readonly states?: readonly string[];
  /** With the control `drills`: those that it may ask for. */
  readonly drills?: readonly DrillName[];
  /** Picks the next fault. Pure: the same context gives the same fault. */
  choose(context: ChooseContext): Fault;
  /**
   * Resolves once the fault is in force. The rig undoes it by releasing the hold; a nemesis never heals. It acts
   * through `controls` alone: to plan, the rig calls it with controls that only take note.
   */
  inject(fault: Fault, controls: Pick<Controls, C>, signal: AbortSignal): Promise<void>;
  /** The fault as a plain sentence, for the plan, the log and the report: `n1 cannot hear n2 and n3`. */
  describe(fault: Fault): string;
  /** The moments between which the fault is in force. Absent: from its time on, for a while. Pure. */
  span?(fault: Fault): Span | undefined;
}

/** Several nemeses under one name, with bounds of the quiet time before each fault and of each fault, as durations. */
export interface Preset {
  readonly name: string;
  /** One sentence for `ordeal list`. */
  readonly summary: string;
  readonly nemeses: readonly string[];
  readonly calm: readonly [min: string, max: string];
  readonly fault: readonly [min: string, max: string];
}

// ── Judgement ────────────────────────────────────────────────────────────────────────────────────────────

/** Returned by `Model.step` when no legal state follows, with the reason in words. */
export type Inconsistent = { readonly inconsistent: string };

/** A sequential specification: what the data type does when nothing is concurrent. */
export interface Model<State = Json, In extends Input = Input, Out extends Json = Json> {
  readonly name: string;
  readonly initial: State;
  /** The state after `input`, or why it cannot have happened. Pure. With `output` undefined nobody saw it: any will do. */
  step(state: State, input: In, output: Out | undefined): State | Inconsistent;
  /** Two states behave alike exactly when their fingerprints are equal. */
  fingerprint(state: State): string;
  /**
   * Operations of different partitions never affect each other. The arguments that tell partitions apart, e.g. one for
   * each key, or a name; arguments are the quicker way.
   */
  readonly partition?: readonly ('key' | 'value')[] | ((input: In) => string);
  /** Functions that are about all values of a key: a key of which one was answered is one partition. */
  readonly spanning?: readonly string[];
  /** A sentence for each step, `read a → 3`. */
  describe(input: In, output: Out | undefined): string;
  /** `true`, or what is wrong with the state itself. */
  invariant?(state: State): true | string;
  /** Every function it knows. A `read` never changes the state; what follows a `replace` does not depend on it. */
  readonly functions?: Readonly<Record<string, 'read' | 'replace' | 'write'>>;
  /** The output that a `fail` of this class amounts to: it changed nothing, yet something was observed. */
  refused?(input: In, error: string): Out | undefined;
  /** False if no number of `write`s leads from `state` to one where this read is possible. Only spares effort. */
  leadsTo?(state: State, input: In, output: Out): boolean;
}

/** What a checker may still spend. Poll it in the innermost loop; a blocked event loop fires no timers. */
export interface Budget {
  exhausted(): boolean;
  /** Which limit ran out, in words: `30 s of time`. */
  reason(): string;
  /** Tells a person how far it came, `120 of 400 keys are decided`; at most once a second is listened to. */
  report?(progress: string): void;
}

/** `unknown` is never a pass: nothing to check, no effect, no recovery, or no budget left. */
export type Validity = 'valid' | 'unknown' | 'invalid';

/** One of several shares of the keys of a history: those whose number leaves `number` when divided by `of`. */
export interface Share {
  readonly number: number;
  readonly of: number;
}

export interface Checker<In extends Input = Input, Out extends Json = Json> {
  readonly name: string;
  /** With a share only its keys are judged. */
  check(history: History<In, Out>, budget: Budget, share?: Share): Verdict | Promise<Verdict>;
  /** Of a checker that judges each key by itself: the verdicts on all shares as one. */
  join?(verdicts: readonly Verdict[]): Verdict;
}

/** One of several guarantees that a checker judges, by itself: kept, broken, or not judged. */
export interface Guarantee {
  /** What is promised, `at most once`. */
  readonly name: string;
  readonly validity: Validity;
  /** How often it was put to the test. */
  readonly cases: number;
  /** Of a broken one the anomalies that show it, and of an unknown one which evidence is missing. */
  readonly reason?: string;
}

export interface Verdict {
  readonly checker: string;
  readonly validity: Validity;
  /** One sentence for a person. */
  readonly summary: string;
  /** Never empty when `invalid`. */
  readonly anomalies: readonly Anomaly[];
  readonly statistics: Json;
  /** Where it judges several. A pass says nothing of those that are `unknown`. */
  readonly guarantees?: readonly Guarantee[];
}

export interface Anomaly {
  /** The literature's name for it, kebab-case: `nonlinearizable`, `duplicate-application`, `G1c`. */
  readonly name: string;
  /** In words, enough to understand it without opening the history. */
  readonly explanation: string;
  /** Indices of the operations that show it. */
  readonly witnesses: readonly number[];
  readonly counterexample?: Counterexample;
  readonly detail?: Json;
}

/** The operations that matter, with what the model made of them: what a report draws as time-boxes. */
export type Counterexample = {
  /** Whose: a key, an account. */
  readonly subject: string;
  /** Every operation to draw, by index, in order of invocation. */
  readonly operations: readonly number[];
  /** The longest legal order of some of them: each with the state after it, in words. */
  readonly order: readonly { readonly index: number; readonly state: string }[];
  /** Operations that no legal order can place next, and why. */
  readonly impossible: readonly { readonly index: number; readonly reason: string }[];
  /** Instead of an order: each must come before the next and the last before the first, which is the contradiction. */
  readonly cycle?: readonly { readonly index: number; readonly before: string }[];
};

// ── Runs ─────────────────────────────────────────────────────────────────────────────────────────────────

/** Everything that decides a run. Plain JSON: the same spec can be run again. Times in milliseconds. */
export interface RunSpec {
  /** Names the folder of the run in the store. */
  readonly name: string;
  readonly cluster: string;
  readonly variant: string | null;
  readonly host: HostName;
  readonly workload: string;
  readonly nemeses: readonly string[];
  readonly seed: number;
  readonly nodeCount: number;
  readonly workerCount: number;
  /** Requests a second that arrive whatever the system does (open loop); `null`: each worker asks as fast as it is answered. */
  readonly ratePerSecond: number | null;
  readonly warmUpMs: number;
  /** How long load and faults last. */
  readonly timeLimitMs: number;
  /** Bounds of the quiet time before each fault, and of each fault. */
  readonly calmMs: readonly [min: number, max: number];
  readonly faultMs: readonly [min: number, max: number];
  readonly requestTimeoutMs: number;
  readonly bringUpTimeoutMs: number;
  readonly recoveryTimeoutMs: number;
  readonly finalTimeoutMs: number;
  readonly checkTimeoutMs: number;
  /** Absent: none. */
  readonly limits?: Limits;
  /** The faults, where a plan has settled them; otherwise they are drawn from the seed. */
  readonly plan?: readonly PlannedFault[];
  /** Everything is done except touching nodes: each fault is noted at its time instead. */
  readonly dryRun?: boolean;
  /** Files of users' own members, absolute. */
  readonly plugins?: readonly string[];
}

/** What a run must not exceed, whatever its nemeses choose. */
export interface Limits {
  /** Whether more than a minority of the nodes may be down at once: killed, paused, or cut off. */
  readonly beyondQuorum: boolean;
  /** No fault is in force for longer, in milliseconds. */
  readonly longestFaultMs: number;
  /** Each ends load and faults at once: `errors>50%`, `errors>50%/30s`, `silence>5s`. */
  readonly abortWhen: readonly string[];
  /** A file that ends load and faults at once when it appears, absolute; or `null`. */
  readonly stopFile: string | null;
}

/** A fault that was settled before it happens. Times in milliseconds since the load began. */
export type PlannedFault = {
  readonly nemesis: string;
  readonly hold: string;
  /** Which of its nemesis' faults it is: 1, 2, 3, … */
  readonly number: number;
  readonly atMs: number;
  /** How long; or, where it lasts until a moment, how long that is reckoned to take. */
  readonly forMs: number;
  readonly span?: Span;
  readonly fault: Json;
  readonly sentence: string;
  /** It depends on who leads: it is chosen at its time, and this is what it would be if a node drawn at random led. */
  readonly dependsOnPrimaries: boolean;
  /** The nodes that are killed, paused or cut off while it is in force. */
  readonly down: readonly NodeId[];
  /** The nodes whose data it damages for ever. */
  readonly damaged?: readonly NodeId[];
};

/** `spec.json`: the spec and where and how it was run, written before anything is touched. */
export interface RunHeader {
  readonly schema: 1;
  readonly id: string;
  /** ISO 8601, UTC. */
  readonly startedAt: string;
  /** The command that runs the same again. */
  readonly command: string;
  readonly spec: RunSpec;
  readonly environment: Readonly<Record<string, string>>;
}

/** One fault of a run, from its choice to its undoing. `null` times: it did not get that far. */
export type FaultRecord = {
  readonly nemesis: string;
  readonly hold: string;
  readonly fault: Json;
  readonly sentence: string;
  readonly injectNs: number;
  readonly injectedNs: number | null;
  readonly releaseNs: number | null;
  readonly releasedNs: number | null;
  readonly evidence: Evidence | null;
  readonly stuck: string | null;
  /** From its release to the next `ok` of each function; `null`: none came. */
  readonly recoveryMs: Readonly<Record<string, number | null>>;
};

/** `verdict.json`: everything that was judged. Published as a JSON Schema, `ordeal schema verdict`. */
export interface RunVerdict {
  readonly schema: 1;
  readonly id: string;
  readonly validity: Validity;
  /** `killed`: the rig died before the end, and what it had recorded was judged. */
  readonly ending: Ending | 'killed';
  /** One sentence for a person. */
  readonly summary: string;
  readonly exit: { readonly code: number; readonly reason: string };
  readonly verdicts: readonly Verdict[];
  readonly faults: readonly FaultRecord[];
  /** What could not be done: a cluster that did not come up, a nemesis, generator or checker that threw. */
  readonly errors: readonly string[];
  /** What was wrong with the history file itself, e.g. a torn last line. */
  readonly warnings: readonly string[];
  readonly counts: Readonly<Record<string, { readonly ok: number; readonly fail: number; readonly info: number }>>;
  readonly durationMs: number;
}

/** A finished run: all that a report may read. */
export interface RunRecord {
  readonly header: RunHeader;
  readonly history: History;
  readonly verdict: RunVerdict;
  /** Absolute. */
  readonly directory: string;
}

export interface Report {
  readonly name: string;
  /** Draws the run into its directory; returns the files written, relative to it. */
  write(run: RunRecord): Promise<readonly string[]>;
}
