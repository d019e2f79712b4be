/**
 * One node of the replicated store: Raft without snapshots or membership changes (D. Ongaro, J. Ousterhout, "In
 * Search of an Understandable Consensus Algorithm", 2014). Every command, reads too, goes through the log, and the
 * node that was asked answers when it applies it. Each bug breaks one rule, where `bug` is read.
 */

import type { Clock } from '../../rig/clock.ts';
import type { Json, NodeId } from '../../rig/contract.ts';
import type { Random } from '../../rig/random.ts';
import { type Answer, type Command, isRead, Machine } from './machine.ts';

export type Bug =
  | 'double-apply'
  | 'forgets-on-restart'
  | 'half-done'
  | 'lost-reply'
  | 'lost-update'
  | 'skips-missed'
  | 'split-brain'
  | 'stale-read'
  | 'write-skew';

/** How a node answers a client. `unsure`: the command may or may not be applied, now or later. */
export type Reply = Answer | { readonly unsure: string };

/** A command on its way. `name` is what makes two of them the same; `attempt` counts how often it was sent to a leader. */
export interface Proposal {
  readonly command: Command;
  readonly request: number;
  readonly name: string;
  readonly attempt: number;
}

type Entry = Proposal & { readonly term: number };

/** `previous`, `matched`, `length` and `commit` count entries from the start of the log. */
export type Message =
  | { readonly kind: 'propose'; readonly proposal: Proposal }
  | { readonly kind: 'vote'; readonly term: number; readonly length: number; readonly lastTerm: number }
  | { readonly kind: 'voted'; readonly term: number; readonly granted: boolean }
  | {
      readonly kind: 'append';
      readonly term: number;
      readonly previous: number;
      readonly previousTerm: number;
      readonly entries: readonly Entry[];
      readonly commit: number;
    }
  | { readonly kind: 'appended'; readonly term: number; readonly matched: number }
  | { readonly kind: 'behind'; readonly term: number; readonly length: number };

/** A request of a client, from its arrival to its answer. */
interface Waiting {
  readonly proposal: Omit<Proposal, 'attempt'>;
  readonly reply: (reply: Reply) => void;
  readonly sinceNs: number;
  attempts: number;
  resendNs: number;
}

const MS = 1e6;
const HEARTBEAT_NS = 40 * MS;
const ELECTION_MS = [150, 300] as const;
/** A leader that has not heard from a majority for so long resigns. */
const LEASE_NS = 400 * MS;
const RESEND_NS = 80 * MS;
const GIVE_UP_NS = 500 * MS;
/** How often the disk catches up with memory, in the variant that does not wait for it. */
const FLUSH_NS = 300 * MS;
const BATCH = 64;
/** Entries that come at once after a time without any, in the variant that skips the others. */
const MANY = 40;

export interface ReplicaOptions {
  readonly id: NodeId;
  readonly peers: readonly NodeId[];
  readonly bug: Bug | null;
  readonly clock: Clock;
  readonly rng: Random;
  send(to: NodeId, message: Message): void;
}

export class Replica {
  readonly #options: ReplicaOptions;
  // On disk: survives a kill.
  #term = 0;
  #votedFor: NodeId | null = null;
  readonly #log: Entry[] = [];
  #flushed = { atNs: 0, term: 0, votedFor: null as NodeId | null, length: 0 };
  // In memory: gone with the process.
  #role: 'follower' | 'candidate' | 'leader' = 'follower';
  #leader: NodeId | null = null;
  #votes = new Set<NodeId>();
  #electionNs = 0;
  #servedUntilNs = 0;
  #heartbeatNs = 0;
  #commit = 0;
  #applied = 0;
  #machine = new Machine();
  readonly #next = new Map<NodeId, number>();
  readonly #matched = new Map<NodeId, number>();
  readonly #heardNs = new Map<NodeId, number>();
  readonly #waiting = new Map<number, Waiting>();

  constructor(options: ReplicaOptions) {
    this.#options = options;
    this.#awaitElection();
  }

  get leads(): boolean {
    return this.#role === 'leader';
  }

  /** Entries of its log. */
  get length(): number {
    return this.#log.length;
  }

  /** Takes a client's request; `reply` is called at most once. */
  ask(proposal: Omit<Proposal, 'attempt'>, reply: (reply: Reply) => void): void {
    const nowNs = this.#nowNs();
    const waiting = { proposal, reply, sinceNs: nowNs, attempts: 0, resendNs: nowNs };
    this.#waiting.set(proposal.request, waiting);
    this.#dispatch(waiting);
  }

  /** To be called every few milliseconds while the process runs. */
  tick(): void {
    const nowNs = this.#nowNs();
    if (nowNs - this.#flushed.atNs >= FLUSH_NS)
      this.#flushed = { atNs: nowNs, term: this.#term, votedFor: this.#votedFor, length: this.#log.length };
    if (this.leads) {
      const isCutOff = this.#heardWithin(LEASE_NS) < this.#majority();
      if (isCutOff && this.#options.bug !== 'split-brain') this.#follow(this.#term, null);
      else if (nowNs >= this.#heartbeatNs) this.#broadcast();
    } else if (nowNs >= this.#electionNs) this.#campaign();
    for (const waiting of this.#waiting.values()) this.#hurry(waiting, nowNs);
  }

  receive(from: NodeId, message: Message): void {
    if (message.kind === 'propose') {
      if (this.leads) this.#append(message.proposal);
      return;
    }
    // Who hears from a leader is deaf to candidates: a node that cannot hear must not depose one that can (section 6).
    if (message.kind === 'vote' && (this.leads || this.#nowNs() < this.#servedUntilNs)) return;
    if (message.term > this.#term) this.#follow(message.term, null);
    this.#heardNs.set(from, this.#nowNs());
    switch (message.kind) {
      case 'vote':
        return this.#vote(from, message);
      case 'voted':
        if (message.granted && message.term === this.#term && this.#role === 'candidate') this.#count(from);
        return;
      case 'append':
        return this.#accept(from, message);
      case 'appended':
        if (!this.leads || message.term !== this.#term) return;
        this.#matched.set(from, Math.max(this.#matched.get(from) ?? 0, message.matched));
        this.#advance();
        if ((this.#next.get(from) ?? 0) < this.#log.length) this.#replicate(from);
        return;
      case 'behind':
        if (!this.leads || message.term !== this.#term) return;
        this.#next.set(from, Math.min(this.#next.get(from) ?? 0, message.length));
        this.#replicate(from);
    }
  }

  /** The process dies: memory is gone, clients hang. What was on disk stays. */
  kill(): void {
    for (const { reply } of this.#waiting.values()) reply({ unsure: 'connection-reset' });
    this.#waiting.clear();
    if (this.#options.bug === 'forgets-on-restart') {
      this.#log.length = Math.min(this.#log.length, this.#flushed.length);
      this.#term = this.#flushed.term;
      this.#votedFor = this.#flushed.votedFor;
    }
    this.#rebuild(0);
    this.#role = 'follower';
    this.#leader = null;
    this.#servedUntilNs = 0;
    this.#heardNs.clear();
  }

  /** The process starts again, on what is on disk. */
  start(): void {
    this.#awaitElection();
  }

  /** Its state, for a person. */
  dump(): Json {
    return {
      role: this.#role,
      leader: this.#leader,
      term: this.#term,
      log: this.#log.length,
      commit: this.#commit,
      state: this.#machine.dump(),
    };
  }

  // ── Requests of clients ─────────────────────────────────────────────────────────────────────────────────

  #dispatch(waiting: Waiting): void {
    if (this.#leader === null) return;
    waiting.attempts++;
    waiting.resendNs = this.#nowNs() + RESEND_NS;
    const proposal = { ...waiting.proposal, attempt: waiting.attempts };
    if (this.leads) this.#append(proposal);
    else this.#options.send(this.#leader, { kind: 'propose', proposal });
  }

  #hurry(waiting: Waiting, nowNs: number): void {
    if (nowNs < waiting.resendNs) return;
    const { bug } = this.#options;
    const { command } = waiting.proposal;
    if (bug === 'stale-read' && isRead(command) && nowNs - waiting.sinceNs >= RESEND_NS)
      return this.#answer(waiting.proposal.request, this.#machine.read(command) as Answer);
    if (nowNs - waiting.sinceNs < GIVE_UP_NS) return this.#dispatch(waiting);
    const isCertain = waiting.attempts === 0 || bug === 'lost-reply';
    const detail = 'no leader was found in time';
    this.#answer(waiting.proposal.request, isCertain ? { refused: 'no-leader', detail } : { unsure: 'no-answer' });
  }

  #answer(request: number, reply: Reply): void {
    const waiting = this.#waiting.get(request);
    this.#waiting.delete(request);
    waiting?.reply(reply);
  }

  // ── Elections ───────────────────────────────────────────────────────────────────────────────────────────

  #campaign(): void {
    this.#follow(this.#term + 1, null);
    this.#role = 'candidate';
    this.#votes.clear();
    const vote = { kind: 'vote', term: this.#term, length: this.#log.length, lastTerm: this.#lastTerm() } as const;
    for (const peer of this.#options.peers) this.#options.send(peer, vote);
    this.#votedFor = this.#options.id;
    this.#count(this.#options.id);
  }

  #vote(from: NodeId, { term, length, lastTerm }: Extract<Message, { kind: 'vote' }>): void {
    const isCurrent = lastTerm > this.#lastTerm() || (lastTerm === this.#lastTerm() && length >= this.#log.length);
    const granted = term === this.#term && isCurrent && (this.#votedFor === null || this.#votedFor === from);
    if (granted) {
      this.#votedFor = from;
      this.#awaitElection();
    }
    this.#options.send(from, { kind: 'voted', term: this.#term, granted });
  }

  #count(voter: NodeId): void {
    this.#votes.add(voter);
    if (this.#votes.size < this.#majority()) return;
    this.#role = 'leader';
    this.#leader = this.#options.id;
    for (const peer of this.#options.peers) {
      this.#next.set(peer, this.#log.length);
      this.#matched.set(peer, 0);
      this.#heardNs.set(peer, this.#nowNs());
    }
    // Entries of earlier terms are committed only through one of this term (section 5.4.2).
    this.#append({ command: { f: 'nothing' }, request: -1, name: `term ${this.#term}`, attempt: 1 });
  }

  #follow(term: number, leader: NodeId | null): void {
    if (term > this.#term) this.#votedFor = null;
    this.#term = term;
    this.#role = 'follower';
    this.#leader = leader;
    this.#awaitElection();
  }

  #awaitElection(): void {
    this.#electionNs = this.#nowNs() + this.#options.rng.integer(...ELECTION_MS) * MS;
  }

  // ── The log ─────────────────────────────────────────────────────────────────────────────────────────────

  #append(proposal: Proposal): void {
    this.#log.push({ ...proposal, term: this.#term });
    this.#broadcast();
    this.#advance();
  }

  #broadcast(): void {
    this.#heartbeatNs = this.#nowNs() + HEARTBEAT_NS;
    for (const peer of this.#options.peers) this.#replicate(peer);
  }

  /** Sends what `peer` is thought to lack, and takes it as sent: who missed something says so. */
  #replicate(peer: NodeId): void {
    const previous = this.#next.get(peer) ?? 0;
    const entries = this.#log.slice(previous, previous + BATCH);
    this.#next.set(peer, previous + entries.length);
    const previousTerm = this.#log[previous - 1]?.term ?? 0;
    const { send } = this.#options;
    send(peer, { kind: 'append', term: this.#term, previous, previousTerm, entries, commit: this.#commit });
  }

  #accept(from: NodeId, message: Extract<Message, { kind: 'append' }>): void {
    const { send } = this.#options;
    const { previous, previousTerm, entries } = message;
    if (message.term < this.#term) return send(from, { kind: 'behind', term: this.#term, length: 0 });
    this.#follow(message.term, from);
    this.#servedUntilNs = this.#nowNs() + ELECTION_MS[0] * MS;
    if (previous > 0 && this.#log[previous - 1]?.term !== previousTerm)
      return send(from, { kind: 'behind', term: this.#term, length: Math.min(previous - 1, this.#log.length) });
    for (const [offset, entry] of entries.entries()) {
      const at = previous + offset;
      if (this.#log[at]?.term === entry.term) continue;
      this.#log.length = at;
      this.#log.push(entry);
      // Without a bug no entry that was applied is ever replaced.
      if (at < this.#applied) this.#rebuild(at);
    }
    const matched = previous + entries.length;
    this.#apply(Math.min(message.commit, matched));
    send(from, { kind: 'appended', term: this.#term, matched });
  }

  /** Commits what enough replicas hold, and tells the followers at once: one of them may have a client waiting. */
  #advance(): void {
    let commit = this.#commit;
    for (let length = commit + 1; length <= this.#log.length; length++) {
      const entry = this.#log[length - 1] as Entry;
      const holders = 1 + this.#options.peers.filter((peer) => (this.#matched.get(peer) ?? 0) >= length).length;
      if (holders < this.#quorum()) break;
      if (entry.term === this.#term) commit = length;
    }
    if (commit === this.#commit) return;
    this.#apply(commit);
    if (this.leads) this.#broadcast();
  }

  /** How many replicas must hold an entry before it counts as committed. */
  #quorum(): number {
    const { bug } = this.#options;
    if (bug === 'lost-update') return 1;
    if (bug === 'split-brain') return Math.floor(this.#heardWithin(LEASE_NS / 2) / 2) + 1;
    return this.#majority();
  }

  #apply(commit: number): void {
    this.#commit = Math.max(this.#commit, commit);
    if (this.#options.bug === 'skips-missed' && this.#commit - this.#applied > MANY) this.#applied = this.#commit;
    while (this.#applied < this.#commit) {
      const { command, request, name, attempt } = this.#log[this.#applied++] as Entry;
      const forgetful = this.#options.bug === 'double-apply' && attempt > 1;
      this.#answer(request, this.#machine.apply(command, name, forgetful));
    }
  }

  /** Computes the state anew from the first entries of the log. */
  #rebuild(commit: number): void {
    this.#machine = new Machine();
    this.#applied = 0;
    this.#commit = 0;
    this.#apply(commit);
  }

  // ── Small facts ─────────────────────────────────────────────────────────────────────────────────────────

  #nowNs(): number {
    return this.#options.clock.nowNs();
  }

  #lastTerm(): number {
    return this.#log.at(-1)?.term ?? 0;
  }

  #majority(): number {
    return Math.floor((this.#options.peers.length + 1) / 2) + 1;
  }

  /** How many members, itself included, were heard from lately. */
  #heardWithin(durationNs: number): number {
    const sinceNs = this.#nowNs() - durationNs;
    return 1 + this.#options.peers.filter((peer) => (this.#heardNs.get(peer) ?? -Infinity) >= sinceNs).length;
  }
}
