/**
 * A transfer, once: check the key, then commit key, answer and effect in one transaction, then answer. The other
 * ways to do it are the planted bugs, each of them wrong in the one respect that its name says.
 */

import { randomBytes } from 'node:crypto';
import {
  type Answer,
  type KeyRecord,
  monotonicMs,
  pause,
  type Store,
  StoreUnavailable,
  type Transaction,
} from './store.ts';
import { type Bug, type CrashPoint, type KeyedTransfer, LIMITS, partsOf, type Retention } from './terms.ts';

/** An answer, and whether it repeats an earlier one. */
export interface Reply extends Answer {
  readonly replayed: boolean;
}

/** How far apart the buggy variants do what belongs together. */
const GAP_MS = 20;
/** Longer, because a client that was answered does not wait for it: so fewer of its kind are open at one time. */
const LATE_COMMIT_MS = 50;
/** How long the buggy variants that reserve a key keep others from working on it. */
const LEASE_MS = 400;
/** Every so manieth applied transfer, `reject-but-apply` says that it was refused, and `replays-5xx-as-new` that it failed. */
const REJECT_EVERY = 25;
/** When `compensates-late` takes back what it has applied twice. */
const COMPENSATED_MS = 1_500;
/** How often, and how long, `accepts-in-outage` tries to do what it has acknowledged. */
const CATCH_UP_MS = 200;
const MOST_CATCH_UP_MS = 60_000;
/** What is left of a key for `truncates-key`. */
const CUT_KEY_LENGTH = 32;

export class Transfers {
  readonly #store: Store;
  readonly #bug: Bug | null;
  readonly #retention: Retention | null;
  /** Scoped keys that this process is at work on. */
  readonly #inFlight = new Set<string>();
  /** For `key-in-memory`. */
  readonly #remembered = new Map<string, KeyRecord>();
  #appliedCount = 0;
  /** This process dies when a transfer comes by there. */
  crashAt: CrashPoint | null = null;

  /** @param retention `null`: keys are kept for ever. */
  constructor(store: Store, bug: Bug | null, retention: Retention | null) {
    this.#store = store;
    this.#bug = bug;
    this.#retention = retention;
  }

  /** Rejects with `StoreUnavailable` if nothing was done, with anything else if that is not known. */
  async apply(transfer: KeyedTransfer): Promise<Reply> {
    const scoped = JSON.stringify([this.#scope(transfer), transfer.key]);
    if (this.#inFlight.has(scoped)) return IN_FLIGHT;
    this.#passes('received');
    this.#inFlight.add(scoped);
    const done = () => this.#inFlight.delete(scoped);
    if (this.#bug === 'ack-before-commit') return this.#answerFirst(transfer, done);
    try {
      const reply = await this.#applyBy(transfer, scoped);
      this.#passes('stored');
      return reply;
    } catch (error) {
      if (this.#bug === 'accepts-in-outage' && error instanceof StoreUnavailable) return this.#acceptAnyway(transfer);
      throw error;
    } finally {
      done();
    }
  }

  #passes(point: CrashPoint): void {
    if (this.crashAt === point) process.kill(process.pid, 'SIGKILL');
  }

  #applyBy(transfer: KeyedTransfer, scoped: string): Promise<Reply> {
    switch (this.#bug) {
      case 'commit-before-record':
        return this.#commitThenRecord(transfer);
      case 'record-before-commit':
        return this.#recordThenCommit(transfer);
      case 'key-in-memory':
        return this.#recordInMemory(transfer, scoped);
      case 'reject-but-apply':
        return this.#rejectSome(transfer);
      case 'replays-5xx-as-new':
        return this.#failSome(transfer);
      case 'keeps-reservation':
        return this.#reserveThenApply(transfer);
      case 'compensates-late':
        return this.#compensateLater(transfer);
      case 'ack-before-commit':
      case 'unscoped-key':
      case 'leaks-across-tenants':
      case 'ignores-payload':
      case 'compares-bytes':
      case 'truncates-key':
      case 'key-expires-early':
      case 'key-never-expires':
      case 'applies-old-keys':
      case 'retry-in-client':
      case 'stale-balance':
      case 'trusts-its-input':
      case 'balance-from-replica':
      case 'trusts-cache':
      case 'hides-staleness':
      case 'accepts-in-outage':
      case 'key-not-replicated':
      case 'backup-forgets-keys':
      case null:
        return this.#atOnce(transfer);
    }
  }

  /** The correct way. */
  #atOnce(transfer: KeyedTransfer): Promise<Reply> {
    return this.#transaction(async (transaction) => {
      const earlier = await this.#find(transaction, transfer);
      if (earlier) return this.#replay(earlier, transfer);
      this.#passes('reserved');
      const decision = await decide(transaction, transfer);
      if (decision.id !== null) await transaction.move(decision.id, transfer);
      this.#passes('applied');
      await this.#record(transaction, transfer, decision.answer);
      return first(decision.answer);
    });
  }

  /** Answers what it cannot know, and does it as soon as it can. */
  #acceptAnyway(transfer: KeyedTransfer): Reply {
    const id = randomBytes(6).toString('hex');
    const reply = first({ status: 201, body: JSON.stringify({ id, amount: transfer.amount }) });
    const catchUp = async () => {
      for (const untilMs = monotonicMs() + MOST_CATCH_UP_MS; monotonicMs() < untilMs; await pause(CATCH_UP_MS)) {
        const isDone = await this.#transaction(async (transaction) => {
          if (!(await this.#find(transaction, transfer))) await transaction.move(id, transfer);
          await this.#record(transaction, transfer, reply);
          return true;
        }).catch(() => false);
        if (isDone) return;
      }
    };
    void catchUp();
    return reply;
  }

  async #compensateLater(transfer: KeyedTransfer): Promise<Reply> {
    const earlier = await this.#transaction((transaction) => this.#find(transaction, transfer));
    if (earlier) return this.#replay(earlier, transfer);
    await pause(GAP_MS);
    let surplus: string | null = null;
    const reply = await this.#later(async (transaction) => {
      const decision = await decide(transaction, transfer);
      if (decision.id !== null) await transaction.move(decision.id, transfer);
      const meanwhile = await this.#find(transaction, transfer);
      if (!meanwhile) await this.#record(transaction, transfer, decision.answer);
      else surplus = decision.id;
      return meanwhile ? this.#replay(meanwhile, transfer) : first(decision.answer);
    });
    const takeBack = async (id: string) => {
      await pause(COMPENSATED_MS);
      await this.#transaction((transaction) => transaction.takeBack(id));
    };
    if (surplus !== null) takeBack(surplus).catch((error: unknown) => console.error('not taken back:', error));
    return reply;
  }

  async #failSome(transfer: KeyedTransfer): Promise<Reply> {
    let fails = false;
    const reply = await this.#transaction(async (transaction) => {
      const earlier = await this.#find(transaction, transfer);
      if (earlier) return this.#replay(earlier, transfer);
      const decision = await decide(transaction, transfer);
      if (decision.id !== null) await transaction.move(decision.id, transfer);
      fails = decision.id !== null && ++this.#appliedCount % REJECT_EVERY === 0;
      if (!fails) await this.#record(transaction, transfer, decision.answer);
      return first(decision.answer);
    });
    if (fails) throw new Error('the answer could not be made');
    return reply;
  }

  async #reserveThenApply(transfer: KeyedTransfer): Promise<Reply> {
    const earlier = await this.#reserve(transfer, Number.MAX_SAFE_INTEGER);
    if (earlier) return earlier;
    this.#passes('reserved');
    await pause(GAP_MS);
    return this.#later(async (transaction) => {
      const decision = await decide(transaction, transfer);
      if (decision.id !== null) await transaction.move(decision.id, transfer);
      await this.#record(transaction, transfer, decision.answer);
      return first(decision.answer);
    });
  }

  async #commitThenRecord(transfer: KeyedTransfer): Promise<Reply> {
    const earlier = await this.#reserve(transfer);
    if (earlier) return earlier;
    const answer = await this.#transaction(async (transaction) => {
      const decision = await decide(transaction, transfer);
      if (decision.id !== null) await transaction.move(decision.id, transfer);
      return decision.answer;
    });
    this.#passes('applied');
    await pause(GAP_MS);
    await this.#later((transaction) => this.#record(transaction, transfer, answer));
    return first(answer);
  }

  async #recordThenCommit(transfer: KeyedTransfer): Promise<Reply> {
    let id: string | null = null;
    const reply = await this.#transaction(async (transaction) => {
      const earlier = await this.#find(transaction, transfer);
      if (earlier) return this.#replay(earlier, transfer);
      const decision = await decide(transaction, transfer);
      id = decision.id;
      await this.#record(transaction, transfer, decision.answer);
      return first(decision.answer);
    });
    if (id === null) return reply;
    const decidedId: string = id;
    this.#passes('reserved');
    await pause(GAP_MS);
    await this.#later((transaction) => transaction.move(decidedId, transfer));
    return reply;
  }

  async #recordInMemory(transfer: KeyedTransfer, scoped: string): Promise<Reply> {
    const earlier = this.#remembered.get(scoped);
    if (earlier) return this.#replay(earlier, transfer);
    const answer = await this.#transaction(async (transaction) => {
      const decision = await decide(transaction, transfer);
      if (decision.id !== null) await transaction.move(decision.id, transfer);
      return decision.answer;
    });
    this.#remembered.set(scoped, { fingerprint: this.#fingerprint(transfer), answer, leaseUntilMs: 0 });
    return first(answer);
  }

  async #rejectSome(transfer: KeyedTransfer): Promise<Reply> {
    const reply = await this.#atOnce(transfer);
    if (reply.replayed || reply.status !== 201 || ++this.#appliedCount % REJECT_EVERY !== 0) return reply;
    return { status: 503, body: problem('overloaded', 'Too many requests; try again.'), replayed: false };
  }

  async #answerFirst(transfer: KeyedTransfer, done: () => void): Promise<Reply> {
    let id: string | null = null;
    let reply: Reply;
    try {
      const earlier = await this.#reserve(transfer);
      if (earlier) {
        done();
        return earlier;
      }
      this.#passes('reserved');
      const decision = await this.#transaction((transaction) => decide(transaction, transfer));
      id = decision.id;
      reply = first(decision.answer);
    } catch (error) {
      done();
      throw error;
    }
    pause(LATE_COMMIT_MS)
      .then(() =>
        this.#later(async (transaction) => {
          if (id !== null) await transaction.move(id, transfer);
          this.#passes('applied');
          await this.#record(transaction, transfer, reply);
        }),
      )
      .catch((error: unknown) => console.error('lost after the answer:', error))
      .finally(done);
    return reply;
  }

  /** Takes the key for a while in a transaction of its own; an earlier answer or somebody else's lease comes back. */
  #reserve(transfer: KeyedTransfer, leaseUntilMs = Date.now() + LEASE_MS): Promise<Reply | null> {
    return this.#transaction(async (transaction) => {
      const earlier = await this.#find(transaction, transfer);
      // The lease is compared by other processes: it needs the wall clock.
      if (earlier && (earlier.answer || earlier.leaseUntilMs > Date.now())) return this.#replay(earlier, transfer);
      await transaction.record(this.#scope(transfer), this.#key(transfer), {
        fingerprint: this.#fingerprint(transfer),
        answer: null,
        leaseUntilMs,
      });
      return null;
    });
  }

  /** The last step of a transaction: it makes room too, where keys are not kept for ever. */
  async #record(transaction: Transaction, transfer: KeyedTransfer, { status, body }: Answer): Promise<void> {
    const retention = this.#retention;
    await transaction.record(this.#scope(transfer), this.#key(transfer), {
      fingerprint: this.#fingerprint(transfer),
      answer: { status, body },
      // Other processes compare it: it needs the wall clock.
      leaseUntilMs: retention ? Date.now() + retention.keptMs : 0,
    });
    if (retention?.becomes === 'new') await transaction.forget(Date.now());
  }

  async #find(transaction: Transaction, transfer: KeyedTransfer): Promise<KeyRecord | null> {
    const earlier = await transaction.find(this.#scope(transfer), this.#key(transfer));
    return earlier && this.#retention?.becomes === 'new' && isOver(earlier) ? null : earlier;
  }

  #replay(earlier: KeyRecord, transfer: KeyedTransfer): Reply {
    const isLeak =
      this.#bug === 'leaks-across-tenants' &&
      !earlier.fingerprint.startsWith(JSON.stringify([transfer.from]).slice(0, -1));
    if (isOver(earlier)) return EXPIRED;
    if (earlier.fingerprint !== this.#fingerprint(transfer) && !isLeak) return MISMATCH;
    return earlier.answer ? { ...earlier.answer, replayed: true } : IN_FLIGHT;
  }

  #transaction<T>(work: (transaction: Transaction) => Promise<T>): Promise<T> {
    return this.#store.transaction(monotonicMs() + LIMITS.storeMs, work);
  }

  /** A second step, after which "nothing was done" can no longer be said. */
  async #later<T>(work: (transaction: Transaction) => Promise<T>): Promise<T> {
    try {
      return await this.#transaction(work);
    } catch (error) {
      throw new Error('the second step failed', { cause: error });
    }
  }

  /** A key belongs to the account that pays: the same key of two payers names two transfers. */
  #scope(transfer: KeyedTransfer): string {
    if (this.#bug === 'unscoped-key') return '';
    return this.#bug === 'leaks-across-tenants' ? partsOf(transfer.from).account : transfer.from;
  }

  #key({ key }: KeyedTransfer): string {
    return this.#bug === 'truncates-key' ? key.slice(0, CUT_KEY_LENGTH) : key;
  }

  #fingerprint({ from, to, amount, written }: KeyedTransfer): string {
    if (this.#bug === 'compares-bytes') return JSON.stringify([from, written]);
    return this.#bug === 'unscoped-key' || this.#bug === 'ignores-payload' ? '' : JSON.stringify([from, to, amount]);
  }
}

export const problem = (error: string, detail: string): string => JSON.stringify({ error, detail });

const IN_FLIGHT: Reply = {
  status: 409,
  body: problem('key-in-flight', 'A request with this Idempotency-Key is being worked on; repeat it in a moment.'),
  replayed: false,
};

const MISMATCH: Reply = {
  status: 422,
  body: problem('key-reused', 'This Idempotency-Key was used with another payload.'),
  replayed: false,
};

const EXPIRED: Reply = {
  status: 410,
  body: problem('key-expired', 'This Idempotency-Key was used long ago; whatever it stood for is not done again.'),
  replayed: false,
};

/** Whether the time is over for which its answer was to be kept. */
const isOver = ({ answer, leaseUntilMs }: KeyRecord): boolean =>
  answer !== null && leaseUntilMs !== 0 && leaseUntilMs < Date.now();

const first = (answer: Answer): Reply => ({ ...answer, replayed: false });

/** The answer that a new transfer gets, and its id if it is to be applied. */
async function decide(
  transaction: Transaction,
  transfer: KeyedTransfer,
): Promise<{ readonly id: string | null; readonly answer: Answer }> {
  if ((await transaction.funds(transfer)) < transfer.amount) {
    return {
      id: null,
      answer: { status: 402, body: problem('insufficient-funds', `${transfer.from} cannot pay that.`) },
    };
  }
  const id = randomBytes(6).toString('hex');
  return { id, answer: { status: 201, body: JSON.stringify({ id, amount: transfer.amount }) } };
}
