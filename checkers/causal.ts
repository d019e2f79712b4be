/**
 * Is the history causally consistent? Causal order is the order of each session and from each write to the reads that
 * saw it. It must have no cycle, and no read may miss a write that is causally before it. Registers of unique values:
 * the bad patterns of A. Bouajjani et al., "On Verifying Causal Consistency", 2017, found with a vector clock for each
 * write, so that time and memory are sessions × writes.
 */

import type { Budget, Json } from '../rig/contract.ts';
import { defineChecker } from '../rig/define.ts';
import { FAIL, OK } from '../rig/history.ts';
import { Anomalies, count } from './anomalies.ts';
import type { RegisterInput, RegisterOutput } from './models/register.ts';
import { isChange, type Register, type RegisterHistory, registersIn, writtenBy } from './register/writes.ts';
import { said, Values } from './values.ts';
import { nameOf } from './wording.ts';

/** A read, or a write that may have taken effect. A swap that happened is a read and then a write. */
interface Step {
  readonly at: number;
  readonly register: Register;
  readonly session: number;
  /** Its number in the session, from 1. */
  readonly place: number;
  readonly isWrite: boolean;
  readonly value: Json;
  /** Of a write: how far it had seen each session, itself included. */
  clock: Int32Array | null;
}

/** The most numbers that all vector clocks may hold together: 256 MiB. */
const MOST_CLOCKS = 2 ** 26;

class Judge {
  readonly #history: RegisterHistory;
  readonly #found: Anomalies;
  readonly #sessions: Step[][] = [];
  /** By position. */
  readonly #writes = new Map<number, Step>();
  /** By register and session, its writes in order. */
  readonly #written = new Map<Register, Map<number, Step[]>>();
  writeCount = 0;
  readCount = 0;

  constructor(history: RegisterHistory, found: Anomalies, registers: readonly Register[]) {
    this.#history = history;
    this.#found = found;
    const processes = new Values();
    const keys = new Values();
    const judged = new Map(registers.filter(({ isUnique }) => isUnique).map((one) => [keys.of(one.key), one]));
    for (let at = 0; at < history.length; at++) {
      const input = history.input(at);
      const register = judged.get(keys.of(input.key ?? null));
      const isOk = history.type[at] === OK;
      if (!register || history.type[at] === FAIL || (isOk && history.output(at) === false && input.f === 'cas'))
        continue;
      if (input.f === 'read' && !isOk) continue;
      const session = () => processes.of(history.process[at] as number);
      if (input.f === 'read') {
        this.#step(at, register, session(), false, history.output(at) ?? null);
        continue;
      }
      if (!isChange(input)) continue;
      if (input.f === 'cas' && isOk) this.#step(at, register, session(), false, input.from ?? null);
      this.#step(at, register, session(), true, writtenBy(input));
    }
  }

  get sessionCount(): number {
    return this.#sessions.length;
  }

  #step(at: number, register: Register, session: number, isWrite: boolean, value: Json): void {
    const steps = (this.#sessions[session] ??= []);
    const step: Step = { at, register, session, place: steps.length + 1, isWrite, value, clock: null };
    steps.push(step);
    if (!isWrite) {
      this.readCount++;
      return;
    }
    this.writeCount++;
    this.#writes.set(at, step);
    const bySession = this.#written.get(register) ?? new Map<number, Step[]>();
    this.#written.set(register, bySession);
    const own = bySession.get(session);
    if (own) own.push(step);
    else bySession.set(session, [step]);
  }

  /** Takes each step once all that is causally before it was taken. False if the budget ran out. */
  judge(budget: Budget): boolean {
    const clocks = this.#sessions.map(() => new Int32Array(this.#sessions.length));
    const next = this.#sessions.map(() => 0);
    const waiting = new Map<Step, number[]>();
    const ready = this.#sessions.map((_, session) => session);
    for (let session = ready.pop(); session !== undefined; session = ready.pop()) {
      const steps = this.#sessions[session] as Step[];
      const clock = clocks[session] as Int32Array;
      for (let step = steps[next[session] as number]; step; step = steps[next[session] as number]) {
        if (budget.exhausted()) return false;
        const write = step.isWrite ? undefined : this.#writerOf(step);
        if (write && !write.clock) {
          waiting.set(write, [...(waiting.get(write) ?? []), session]);
          break;
        }
        clock[session] = step.place;
        next[session]!++;
        if (step.isWrite) {
          step.clock = clock.slice();
          ready.push(...(waiting.get(step) ?? []));
          waiting.delete(step);
        } else {
          if (write?.clock) merge(clock, write.clock);
          this.#judgeRead(step, write, clock);
        }
      }
    }
    this.#tellCycle(next);
    return true;
  }

  #writerOf({ register, value }: Step): Step | undefined {
    const write = register.writeOf(value);
    return write && this.#writes.get(write.at);
  }

  /** No write of the key may be causally between the one that was read and the read. */
  #judgeRead(read: Step, write: Step | undefined, clock: Int32Array): void {
    if (!write && read.value !== null) {
      this.#found.add('thin-air-read', () => ({
        subject: subjectOf(read),
        explanation: `${subjectOf(read)} was read as ${said(read.value)} by ${this.#name(read)}, which nobody wrote`,
        operations: [read.at],
      }));
      return;
    }
    for (const [session, writes] of this.#written.get(read.register) ?? []) {
      const latest = lastUpTo(writes, clock[session] as number);
      if (!latest?.clock || latest === write) continue;
      if (write && (latest.clock[write.session] as number) < write.place) continue;
      const what = write
        ? `${said(read.value)} (written by ${this.#name(write)})`
        : 'nothing, as if nobody had written to it';
      const since = write ? `, was written by who knew of ${said(read.value)}` : '';
      this.#found.add(write ? 'causally-overwritten-read' : 'causally-missing-write', () => ({
        subject: subjectOf(read),
        explanation: `${this.#name(read)} found ${what} in ${subjectOf(read)}, although ${said(latest.value)} (${this.#name(latest)})${since} and is causally before this read`,
        operations: [...(write ? [write.at] : []), latest.at, read.at],
      }));
      return;
    }
  }

  /** Steps that wait for each other: follow what each session waits for until one comes again. */
  #tellCycle(next: readonly number[]): void {
    const stuck = this.#sessions.findIndex((steps, session) => (next[session] as number) < steps.length);
    if (stuck < 0) return;
    const path: { readonly read: Step; readonly write: Step }[] = [];
    for (let session = stuck; ; ) {
      const again = path.findIndex(({ read }) => read.session === session);
      if (again >= 0) {
        path.splice(0, again);
        break;
      }
      const read = this.#sessions[session]?.[next[session] as number] as Step;
      const write = this.#writerOf(read) as Step;
      path.push({ read, write });
      session = write.session;
    }
    const told = path.map(
      ({ read, write }) =>
        `process ${this.#history.process[read.at]} read ${said(read.value)} from ${subjectOf(read)} (${this.#name(read)}), written by process ${this.#history.process[write.at]} (${this.#name(write)})`,
    );
    this.#found.add('cyclic-causality', () => ({
      subject: path.map(({ read }) => subjectOf(read)).join(', '),
      explanation: `each of these comes causally before itself: ${told.join('; before that write, ')}; before that write, the first of these reads`,
      operations: path.flatMap(({ read, write }) => [write.at, read.at]),
    }));
  }

  #name({ at }: Step): string {
    return nameOf(this.#history, at);
  }
}

const subjectOf = ({ register }: Step): string =>
  register.key === null ? 'the register' : `key ${said(register.key)}`;

function merge(clock: Int32Array, other: Int32Array): void {
  for (let session = 0; session < clock.length; session++)
    if ((other[session] as number) > (clock[session] as number)) clock[session] = other[session] as number;
}

/** The last of a session's writes that is no later than `place`. */
function lastUpTo(writes: readonly Step[], place: number): Step | undefined {
  let low = 0;
  let high = writes.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((writes[middle] as Step).place <= place) low = middle + 1;
    else high = middle;
  }
  return writes[low - 1];
}

export const causal = defineChecker<RegisterInput, RegisterOutput>({
  name: 'causal',
  check(history, budget) {
    const found = new Anomalies(history);
    const registers = registersIn(history);
    const judge = new Judge(history, found, registers);
    const { sessionCount, readCount, writeCount } = judge;
    const ambiguous = registers.filter(({ isUnique }) => !isUnique).length;
    const missing: string[] = [];
    if (sessionCount * (writeCount + sessionCount) > MOST_CLOCKS)
      missing.push(`${sessionCount} sessions and ${writeCount} writes are too many for vector clocks`);
    else if (!judge.judge(budget)) missing.push(`${budget.reason()} ran out`);
    if (ambiguous > 0)
      missing.push(`${count(ambiguous, 'key')} could not be judged, of which a value or \`null\` was written twice`);
    if (readCount === 0) missing.push('nothing was read');
    if (writeCount === 0) missing.push('nothing was written');
    return found.conclude({
      checker: 'causal',
      guarantee: 'no session misses a write that is causally before what it reads (causal consistency)',
      seen: `${count(readCount, 'read')} and ${count(writeCount, 'write')} in ${count(sessionCount, 'session')}`,
      missing,
      statistics: { sessions: sessionCount, reads: readCount, writes: writeCount, ambiguousKeys: ambiguous },
    });
  },
});
