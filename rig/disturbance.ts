/**
 * Nemeses at work: each fault of the schedule waits for its time, its turn and a cluster that answers, is injected,
 * held and released. A nemesis never heals; whatever happens to it, its hold is released here.
 */

import { bounded, deadline, within } from './clock.ts';
import type { ControlName, Controls, Evidence, FaultAction, Moment, Nemesis, PlannedFault, Sight } from './contract.ts';
import type { Trial } from './interpreter.ts';
import { momentText, Moments } from './moments.ts';
import { sentenceOf } from './outcome.ts';
import type { Pulse } from './pulse.ts';
import { refusingStrangers } from './reach.ts';
import { choose, faultsEndMs, mostDownIn, type Schedule } from './schedule.ts';
import { Turns } from './turns.ts';

const INJECT_TIMEOUT_MS = 20_000;
const RELEASE_TIMEOUT_MS = 30_000;
const PROBE_TIMEOUT_MS = 5_000;
const LOOK_EVERY_MS = 250;
const LONGEST_EXTENSION_MS = 5_000;
/** A cluster that was asked and has not succeeded for this long is not well, */
const SILENT_MS = 1_000;
/** and a fault waits this long for it to get better. */
const LONGEST_GATE_MS = 10_000;
/** Of those that have waited for it, one goes on after the other. */
const GAP_MS = 400;

/** A fault that was begun: enough to tell about it and to undo it. */
interface Begun {
  readonly nemesis: string;
  readonly hold: string;
  readonly beganNs: number;
  /** The moments for which it waited, and what was seen of them. */
  readonly notes: string[];
  /** Whether the moment came until which it was to last. */
  reached?: boolean;
  /** What was seen of it when it was to be released first. */
  seen?: Evidence;
  tell(action: FaultAction, evidence?: Evidence): Promise<void>;
}

/** A fault that is over, or never began: `fromNs` is `null`. */
interface Past {
  readonly nemesis: string;
  readonly fromNs: number | null;
  readonly untilNs: number;
  readonly effective: boolean;
}

export class Disturbance {
  readonly #trial: Trial;
  readonly #halt: AbortSignal;
  readonly #pulse: Pulse;
  readonly #turns: Turns;
  readonly #moments: Moments;
  /** Begun and not yet seen to be gone. */
  readonly #begun = new Map<string, Begun>();
  readonly #past: Past[] = [];
  /** When the latest of those that had waited for the cluster went on. */
  #latestNs = -Infinity;

  constructor(trial: Trial, pulse: Pulse, halt: AbortSignal) {
    this.#trial = trial;
    this.#halt = halt;
    this.#pulse = pulse;
    this.#turns = new Turns(mostDownIn(trial.spec, trial.cluster));
    this.#moments = new Moments(trial.cluster, trial.clock);
    trial.journal.watch((event) => this.#moments.see(event));
  }

  /**
   * Injects this nemesis' faults of the schedule, each at its time or, if the one before took longer, after the
   * shortest quiet time. Rejects if the nemesis throws; its fault is released before that.
   */
  async disturb(nemesis: Nemesis, schedule: Schedule, loadBeganNs: number): Promise<void> {
    const { spec, clock } = this.#trial;
    const untilNs = loadBeganNs + faultsEndMs(spec) * 1e6;
    let freeNs = 0;
    for (const planned of schedule.faults.filter((fault) => fault.nemesis === nemesis.name)) {
      await this.#sleepUntil(Math.max(loadBeganNs + planned.atMs * 1e6, freeNs));
      if (this.#halt.aborted || clock.nowNs() + (planned.forMs / 2) * 1e6 > untilNs) return;
      await this.#strike(nemesis, planned, untilNs);
      freeNs = clock.nowNs() + spec.calmMs[0] * 1e6;
    }
    const broken = schedule.broken.find((one) => one.nemesis === nemesis.name);
    if (!broken) return;
    await this.#sleepUntil(loadBeganNs + broken.atMs * 1e6);
    if (!this.#halt.aborted) throw broken.error;
  }

  /**
   * Strikes once more with each nemesis that has had no effect because of others: alone, one after the other, whenever every
   * node serves again, while there is time. The choice is the next of its stream.
   */
  async strikeAgain(nemeses: readonly Nemesis[], schedule: Schedule, untilNs: number): Promise<void> {
    const { spec, cluster, clock, journal } = this.#trial;
    if (spec.plan || spec.dryRun) return;
    for (const nemesis of nemeses.filter(({ name }) => this.#wasHidden(name))) {
      const leftMs = Math.max(0, (untilNs - clock.nowNs()) / 1e6);
      const patience = deadline(clock, leftMs, this.#halt);
      const serves = await within(patience.signal, cluster.recovered(patience.signal)).then(
        () => true,
        () => false,
      );
      patience.cancel();
      if (!serves) return;
      await clock.sleep(spec.calmMs[0], this.#halt);
      const forMs = Math.min(spec.faultMs[0], spec.limits?.longestFaultMs ?? Infinity);
      if (this.#halt.aborted || clock.nowNs() + forMs * 1e6 > untilNs) return;
      const drawn = [...schedule.faults, ...schedule.omitted].filter((one) => one.nemesis === nemesis.name);
      const number = drawn.length + 1;
      const chosen = await this.#choose(nemesis, number);
      if (typeof chosen === 'string') continue;
      const note = `the load goes on: beside other faults, ${nemesis.name} has had no effect so far`;
      journal.append({ type: 'phase', phase: 'load', note });
      const hold = `${nemesis.name}-${number}`;
      const planned = { nemesis: nemesis.name, hold, number, atMs: 0, forMs, dependsOnPrimaries: true, ...chosen };
      await this.#strike(nemesis, planned, untilNs);
    }
  }

  /** Whether none of its faults had an effect, and others were at work when that was seen, or left no room for it. */
  #wasHidden(nemesis: string): boolean {
    const own = this.#past.filter((one) => one.nemesis === nemesis);
    const others = this.#past.filter((one) => one.nemesis !== nemesis && one.effective);
    return (
      own.every(({ effective }) => !effective) &&
      own.some(({ fromNs, untilNs }) =>
        others.some((other) => (fromNs ?? untilNs) <= other.untilNs && (other.fromNs as number) <= untilNs),
      )
    );
  }

  /** One fault, once it is its turn and the cluster is well; skipped, with the reason, if that takes too long. */
  async #strike(nemesis: Nemesis, planned: PlannedFault, untilNs: number): Promise<void> {
    const { spec, clock } = this.#trial;
    const latestNs = untilNs - (planned.forMs / 2) * 1e6;
    const patience = deadline(clock, Math.max(0, (latestNs - clock.nowNs()) / 1e6), this.#halt);
    try {
      for (;;) {
        const due = await this.#settle(nemesis, planned);
        if (typeof due === 'string') return await this.#skip(nemesis, planned, due);
        if (spec.dryRun) return await this.#skip(nemesis, due, 'a dry run touches nothing');
        const { from } = due.span ?? {};
        const began = from && (await this.#moments.comes(from, patience.signal));
        if (this.#halt.aborted) return;
        if (from && !began?.holds) return await this.#skip(nemesis, due, `until the end ${notSeen(from, began)}`);
        const askedNs = clock.nowNs();
        const isItsTurn = await this.#turns.begin(due.hold, due.down, patience.signal);
        if (this.#halt.aborted) return;
        if (!isItsTurn) return await this.#skip(nemesis, due, 'until the end other faults left no room for it');
        // Somebody else may lead after a while, and a moment passes.
        if ((due.dependsOnPrimaries || from) && clock.nowNs() - askedNs > LOOK_EVERY_MS * 1e6) continue;
        // In the moment that a fault waits for, the cluster need not be well.
        const problem = from ? null : await this.#whyUnwell(latestNs);
        if (this.#halt.aborted) return;
        if (problem !== null) return await this.#skip(nemesis, due, problem);
        return await this.#inject(nemesis, due, untilNs, began);
      }
    } finally {
      patience.cancel();
      this.#turns.end(planned.hold);
    }
  }

  /** The fault as it is to be now, or why there can be none. */
  async #settle(nemesis: Nemesis, planned: PlannedFault): Promise<PlannedFault | string> {
    if (!planned.dependsOnPrimaries) return planned;
    const chosen = await this.#choose(nemesis, planned.number);
    return typeof chosen === 'string' ? chosen : { ...planned, ...chosen };
  }

  /** What its fault of this number is, with who leads now; or why there can be none. */
  async #choose(
    nemesis: Nemesis,
    number: number,
  ): Promise<Pick<PlannedFault, 'fault' | 'sentence' | 'span' | 'down' | 'damaged'> | string> {
    const { spec, cluster, clock } = this.#trial;
    const primaries = await bounded(clock, PROBE_TIMEOUT_MS, (signal) => cluster.primaries(signal)).catch(() => []);
    const chosen = await choose(nemesis, number, spec, cluster, primaries, clock);
    if (typeof chosen === 'string') return chosen;
    const { rng: _rng, ...choice } = chosen;
    return choice;
  }

  async #skip(
    { name }: Nemesis,
    { hold, fault, sentence }: Pick<PlannedFault, 'hold' | 'fault' | 'sentence'>,
    reason: string,
  ): Promise<void> {
    const evidence = { effective: false, observed: reason };
    const event = { type: 'nemesis', nemesis: name, hold, action: 'skipped', fault, sentence, evidence } as const;
    this.#past.push({ nemesis: name, fromNs: null, untilNs: this.#trial.clock.nowNs(), effective: false });
    await this.#trial.journal.appendDurably(event);
  }

  async #inject(nemesis: Nemesis, planned: PlannedFault, untilNs: number, began: Sight | undefined): Promise<void> {
    const { hold, fault, sentence, forMs, span } = planned;
    const { cluster, clock, journal } = this.#trial;
    const begun: Begun = {
      nemesis: nemesis.name,
      hold,
      beganNs: clock.nowNs(),
      notes: span?.from && began ? [`it began when ${momentText(span.from)} (${began.observed})`] : [],
      tell: (action, evidence) => {
        const event = { type: 'nemesis', nemesis: nemesis.name, hold, action, fault, sentence } as const;
        return journal.appendDurably(evidence ? { ...event, evidence } : event);
      },
    };
    await begun.tell('inject');
    this.#begun.set(hold, begun);
    const { beganNs } = begun;
    try {
      const controls = refusingStrangers(levers(nemesis, cluster.controls(hold)), cluster);
      await bounded(this.#trial.clock, INJECT_TIMEOUT_MS, (signal) => nemesis.inject(fault, controls, signal));
      await begun.tell('injected');
      if (span?.until) await this.#until(span.until, begun, beganNs, untilNs);
      else await clock.sleep(Math.min(forMs, Math.max(0, (untilNs - clock.nowNs()) / 1e6)), this.#halt);
      await this.#untilSeen(hold, beganNs);
    } finally {
      await this.#heal(begun);
    }
  }

  /** Holds the fault until the moment comes, faults end, or it has lasted as long as any may. */
  async #until(moment: Moment, begun: Begun, beganNs: number, untilNs: number): Promise<void> {
    const { spec, clock } = this.#trial;
    const latestNs = Math.min(untilNs, beganNs + (spec.limits?.longestFaultMs ?? Infinity) * 1e6);
    const limit = deadline(clock, Math.max(0, (latestNs - clock.nowNs()) / 1e6), this.#halt);
    const sight = await this.#moments.comes(moment, limit.signal);
    limit.cancel();
    begun.reached = sight.holds;
    const lasted = `${((clock.nowNs() - beganNs) / 1e9).toFixed(1)} s`;
    begun.notes.push(
      sight.holds
        ? `it lasted ${lasted}, until ${momentText(moment)} (${sight.observed})`
        : `in ${lasted} ${notSeen(moment, sight)}`,
    );
  }

  /** Waits until the cluster has answered lately, and says so if it took a while; why it is in vain, or `null`. */
  async #whyUnwell(latestNs: number): Promise<string | null> {
    const { spec, clock, journal } = this.#trial;
    if (!spec.limits || !this.#isSilent()) return null;
    const fromNs = clock.nowNs();
    const untilNs = Math.min(latestNs, fromNs + LONGEST_GATE_MS * 1e6);
    // All that have waited must not strike in one moment, and so keep one another from any effect.
    const isTooEarly = () => this.#isSilent() || clock.nowNs() < this.#latestNs + GAP_MS * 1e6;
    while (isTooEarly() && !this.#halt.aborted && clock.nowNs() < untilNs) await clock.sleep(LOOK_EVERY_MS, this.#halt);
    const waited = `${((clock.nowNs() - fromNs) / 1e9).toFixed(1)} s`;
    if (this.#isSilent()) return `the cluster was asked and did not answer for ${waited}`;
    this.#latestNs = clock.nowNs();
    const note = `a fault waited ${waited} for the cluster to answer again`;
    journal.append({ type: 'phase', phase: 'load', note });
    return null;
  }

  #isSilent(): boolean {
    return this.#pulse.silentMs(this.#trial.clock.nowNs()) > SILENT_MS;
  }

  async #sleepUntil(timeNs: number): Promise<void> {
    const { clock } = this.#trial;
    await clock.sleep(Math.max(0, (timeNs - clock.nowNs()) / 1e6), this.#halt);
  }

  /** A fault that another one hides, a cut around a node that is down, is held a little longer until it bites. */
  async #untilSeen(hold: string, beganNs: number): Promise<void> {
    const { spec, cluster, clock } = this.#trial;
    const longestNs = beganNs + (spec.limits?.longestFaultMs ?? Infinity) * 1e6;
    const latestNs = Math.min(longestNs, clock.nowNs() + LONGEST_EXTENSION_MS * 1e6);
    while (clock.nowNs() < latestNs && !this.#halt.aborted) {
      const evidence = await bounded(this.#trial.clock, PROBE_TIMEOUT_MS, () => cluster.inspect(hold)).catch(
        () => null,
      );
      if (evidence?.effective) return;
      await clock.sleep(LOOK_EVERY_MS, this.#halt);
    }
  }

  /** Releases whatever is still held. Returns a sentence for each fault that would not go. */
  async healAll(): Promise<readonly string[]> {
    const stuck: string[] = [];
    for (const begun of this.#begun.values()) {
      const problem = await this.#heal(begun);
      if (problem) stuck.push(problem);
    }
    return stuck;
  }

  /** What would not go has gone with its cluster. */
  async wentDown(): Promise<void> {
    for (const { hold, seen, tell } of this.#begun.values()) {
      const { effective = false, observed = 'nothing' } = seen ?? {};
      await tell('released', { effective, observed: `${observed}; it went with its cluster, which was taken down` });
      this.#begun.delete(hold);
    }
  }

  /** Returns what is wrong, or `null` once the fault was seen to be gone. */
  async #heal(begun: Begun): Promise<string | null> {
    const { cluster } = this.#trial;
    const { hold } = begun;
    const evidence = await bounded(this.#trial.clock, PROBE_TIMEOUT_MS, () => cluster.inspect(hold)).catch((error) => ({
      effective: false,
      observed: `nothing: ${sentenceOf(error)}`,
    }));
    begun.seen ??= evidence;
    // A disk that is full must not keep a fault in force; whoever writes next will say that it is.
    const tell = (action: FaultAction, seen?: Evidence) => begun.tell(action, seen).catch(() => {});
    await tell('release');
    try {
      await bounded(this.#trial.clock, RELEASE_TIMEOUT_MS, () => cluster.release(hold));
    } catch (error) {
      const problem = `${hold} could not be undone: ${sentenceOf(error)}`;
      await tell('stuck', { effective: true, observed: problem });
      return problem;
    }
    this.#begun.delete(hold);
    const { nemesis, beganNs, notes, reached } = begun;
    const { effective } = evidence;
    this.#past.push({ nemesis, fromNs: beganNs, untilNs: this.#trial.clock.nowNs(), effective });
    const observed = [evidence.observed, ...notes].join('; ');
    await tell('released', { ...evidence, observed, ...(reached === undefined ? {} : { reached }) });
    return null;
  }
}

const notSeen = (moment: Moment, sight: Sight | undefined): string =>
  `it was not seen that ${momentText(moment)} (${sight?.observed ?? 'nobody looked'})`;

/** The controls a nemesis declared, out of those the cluster offers. */
function levers<C extends ControlName>(nemesis: Nemesis<C>, offered: Partial<Controls>): Pick<Controls, C> {
  for (const name of nemesis.controls)
    if (!offered[name]) throw new Error(`nemesis ${nemesis.name} needs the ${name} control, which this cluster lacks`);
  return offered as Pick<Controls, C>;
}
