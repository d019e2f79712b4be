/**
 * Nemeses at work: each in turn waits, chooses, injects, holds and releases, on a schedule that depends on its own
 * stream of chance alone. A nemesis never heals; whatever happens to it, its hold is released here.
 */

import { deadline, within } from './clock.ts';
import type { ControlName, Controls, Evidence, FaultAction, Nemesis } from './contract.ts';
import type { Trial } from './interpreter.ts';
import { sentenceOf } from './outcome.ts';
import type { Random } from './random.ts';

const INJECT_TIMEOUT_MS = 20_000;
const RELEASE_TIMEOUT_MS = 30_000;
const PROBE_TIMEOUT_MS = 5_000;
const LOOK_EVERY_MS = 250;
const LONGEST_EXTENSION_MS = 5_000;

/** A fault that was begun: enough to tell about it and to undo it. */
interface Begun {
  readonly hold: string;
  tell(action: FaultAction, evidence?: Evidence): Promise<void>;
}

export class Disturbance {
  readonly #trial: Trial;
  readonly #halt: AbortSignal;
  /** Begun and not yet seen to be gone. */
  readonly #begun = new Map<string, Begun>();

  constructor(trial: Trial, halt: AbortSignal) {
    this.#trial = trial;
    this.#halt = halt;
  }

  /** Injects fault after fault until `untilNs`. Rejects if the nemesis throws; its fault is released before that. */
  async disturb(nemesis: Nemesis, rng: Random, untilNs: number): Promise<void> {
    const { spec, cluster, clock, journal } = this.#trial;
    for (let count = 1; ; count++) {
      const calmMs = rng.integer(...spec.calmMs);
      const faultMs = rng.integer(...spec.faultMs);
      if (clock.nowNs() + (calmMs + faultMs / 2) * 1e6 > untilNs) return;
      await clock.sleep(calmMs, this.#halt);
      if (this.#halt.aborted) return;

      const primaries = await this.#bounded(PROBE_TIMEOUT_MS, (signal) => cluster.primaries(signal)).catch(() => []);
      const { nodes, parties, links } = cluster;
      const chosen = nemesis.choose({ rng: rng.fork(`fault ${count}`), nodes, parties, links, primaries });
      const fault = JSON.parse(JSON.stringify(chosen)) as typeof chosen; // What is injected is what is on disk.
      const sentence = nemesis.describe(fault);
      const hold = `${nemesis.name}-${count}`;
      const begun: Begun = {
        hold,
        tell: (action, evidence) => {
          const event = { type: 'nemesis', nemesis: nemesis.name, hold, action, fault, sentence } as const;
          return journal.appendDurably(evidence ? { ...event, evidence } : event);
        },
      };
      await begun.tell('inject');
      this.#begun.set(hold, begun);
      try {
        const controls = levers(nemesis, cluster.controls(hold));
        await this.#bounded(INJECT_TIMEOUT_MS, (signal) => nemesis.inject(fault, controls, signal));
        await begun.tell('injected');
        await clock.sleep(Math.min(faultMs, Math.max(0, (untilNs - clock.nowNs()) / 1e6)), this.#halt);
        await this.#untilSeen(hold);
      } finally {
        await this.#heal(begun);
      }
    }
  }

  /** A fault that another one hides, a cut around a node that is down, is held a little longer until it bites. */
  async #untilSeen(hold: string): Promise<void> {
    const { cluster, clock } = this.#trial;
    for (let waitedMs = 0; waitedMs < LONGEST_EXTENSION_MS && !this.#halt.aborted; waitedMs += LOOK_EVERY_MS) {
      const evidence = await this.#bounded(PROBE_TIMEOUT_MS, () => cluster.inspect(hold)).catch(() => null);
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

  /** Returns what is wrong, or `null` once the fault was seen to be gone. */
  async #heal(begun: Begun): Promise<string | null> {
    const { cluster } = this.#trial;
    const { hold } = begun;
    const evidence = await this.#bounded(PROBE_TIMEOUT_MS, () => cluster.inspect(hold)).catch((error) => ({
      effective: false,
      observed: `nothing: ${sentenceOf(error)}`,
    }));
    // A disk that is full must not keep a fault in force; whoever writes next will say that it is.
    const tell = (action: FaultAction, seen?: Evidence) => begun.tell(action, seen).catch(() => {});
    await tell('release');
    try {
      await this.#bounded(RELEASE_TIMEOUT_MS, () => cluster.release(hold));
    } catch (error) {
      const problem = `${hold} could not be undone: ${sentenceOf(error)}`;
      await tell('stuck', { effective: true, observed: problem });
      return problem;
    }
    this.#begun.delete(hold);
    await tell('released', evidence);
    return null;
  }

  async #bounded<T>(ms: number, act: (signal: AbortSignal) => Promise<T>): Promise<T> {
    const limit = deadline(this.#trial.clock, ms);
    try {
      return await within(limit.signal, act(limit.signal));
    } finally {
      limit.cancel();
    }
  }
}

/** The controls a nemesis declared, out of those the cluster offers. */
function levers<C extends ControlName>(nemesis: Nemesis<C>, offered: Partial<Controls>): Pick<Controls, C> {
  for (const name of nemesis.controls)
    if (!offered[name]) throw new Error(`nemesis ${nemesis.name} needs the ${name} control, which this cluster lacks`);
  return offered as Pick<Controls, C>;
}
