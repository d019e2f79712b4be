/**
 * Every monitor against the definition itself: on small histories of whatever kind by every order there is, on larger ones
 * that are nearly legal by an exhaustive search without any reduction. What a monitor gives as evidence must have no legal
 * order by itself, and its first failure must be that of the whole.
 *
 * `ORDEAL_FUZZ=100000 npx vitest run checkers/monitors` tries so many of each kind; it takes hours, and can be done in
 * parts: `ORDEAL_FUZZ=5000 ORDEAL_FUZZ_FROM=20000` tries the seeds from 20,000 to 24,999.
 */

import { describe, expect, it } from 'vitest';
import type { Budget, Verdict } from '../../rig/contract.ts';
import type { History } from '../../rig/history.ts';
import { Random } from '../../rig/random.ts';
import { hasOrder, placeable, TooManyOrders } from '../definition.ts';
import { linearizable } from '../linearizable.ts';
import { type AnyModel, models } from '../models/index.ts';
import { firstFailure } from '../search/certificate.ts';
import { partitionOf } from '../search/problem.ts';
import { firstEvidence } from './first-evidence.ts';
import { isEvidence, type Monitor } from './monitor.ts';
import { Operations } from './operations.ts';
import { type Regime, simulated } from './simulated-clients.ts';
import { partlyJudged, systems } from './systems.ts';

const all = { ...systems, ...partlyJudged };
const patient = { exhausted: () => false, reason: () => 'nothing' };
const FUZZ = process.env['ORDEAL_FUZZ'];
const FROM = Number(process.env['ORDEAL_FUZZ_FROM'] ?? 0);
const RUNS = Number(FUZZ ?? 120);
const SMALL_RUNS = Number(FUZZ ?? 480);

const small = (rng: Random): Regime => ({
  operations: rng.integer(2, 7),
  clients: rng.integer(1, 4),
  unknown: rng.pick([0, 0.1, 0.3]),
  wrong: 0.3,
});

const REGIMES: readonly Regime[] = [
  { operations: 30, clients: 5, unknown: 0.1, wrong: 0.03 },
  { operations: 20, clients: 8, unknown: 0.1, wrong: 0.05 },
  { operations: 24, clients: 4, unknown: 0.35, wrong: 0.05 },
  { operations: 36, clients: 3, unknown: 0, wrong: 0.02 },
];
/** What is possible of queues is too much for the definition where many operations are unknown. */
const nearlyLegal = (rng: Random, kind: string): Regime => {
  const regime = rng.pick(REGIMES);
  const fewer = { ...regime, operations: regime.operations >> 1 };
  if (/^(unordered|stacks)/.test(kind)) return { ...fewer, unknown: 0.05 };
  return kind.startsWith('FIFO') && regime.unknown > 0.2 ? fewer : regime;
};

/** For searches of queues, which may have no end. */
function brief(most = 50): Budget {
  let polls = 0;
  return { exhausted: () => ++polls > most, reason: () => 'patience' };
}

interface Counts {
  legal: number;
  impossible: number;
  inapplicable: number;
  /** The definition could not tell. */
  open: number;
}

/** Judges one history by monitor and by definition. */
function compare(history: History, model: AnyModel, counts: Counts, name: string): void {
  const operations = new Operations(history, model as never);
  if (operations.partitionCount === 0) return;
  const monitor = model.monitor as Monitor;
  const decision = monitor.decide(operations, 0, operations.at.length);
  const isLegal = hasOrder(placeable(history, model), model, true);
  if (decision === 'inapplicable') {
    counts.inapplicable++;
    return;
  }
  counts[isLegal ? 'legal' : 'impossible']++;
  expect(isEvidence(decision), name).toBe(!isLegal);
  if (!isEvidence(decision)) return;
  const problemOf = (only?: readonly number[]) => partitionOf(operations, model, 0, only);
  assertImpossible(history, model, operations, decision, name);
  const first = firstEvidence(operations, monitor, 0, decision);
  assertImpossible(history, model, operations, first, `${name}, first evidence`);
  // Of answers that are still to come the search knows what they will be, the monitor does not.
  if (model.name.endsWith('queue') || model.name === 'fenced-mutex') return;
  // What else is wrong with a stack may show earlier.
  if (model.name === 'stack') return;
  // Of a beginning in which refusals matter, the monitor leaves the judgement to the search.
  if (operations.refusal.size > 0) return;
  const blockedIn = ({ problem, transitions }: ReturnType<typeof problemOf>) =>
    problem.at[firstFailure(problem, transitions, { left: 2 ** 22 }, patient).blocked] as number;
  const [blocked, expected] = [blockedIn(problemOf(first)), blockedIn(problemOf())];
  expect(blocked, `${name}, where it fails`).toBe(expected);
}

/** Some operations have no legal order by themselves. */
function assertImpossible(
  history: History,
  model: AnyModel,
  operations: Operations,
  evidence: readonly number[],
  name: string,
): void {
  const chosen = new Set(evidence.map((op) => history.invokeIndex[operations.at[op] as number]));
  const some = placeable(history, model).filter(({ call }) => chosen.has(call));
  expect(some.length, name).toBe(evidence.length);
  expect(hasOrder(some, model, true), `${name}, evidence`).toBe(false);
}

function compareMany(kind: string, runs: number, regimeOf: (rng: Random, kind: string) => Regime): Counts {
  const [modelName, begin] = all[kind] as (typeof all)[string];
  const model = models[modelName] as AnyModel;
  const counts = { legal: 0, impossible: 0, inapplicable: 0, open: 0 };
  for (let seed = FROM; seed < FROM + runs; seed++) {
    const name = `${kind}, seed ${seed}`;
    const rng = new Random(name);
    try {
      compare(simulated(rng, begin(), regimeOf(rng, kind)), model, counts, name);
    } catch (error) {
      if (!(error instanceof TooManyOrders)) throw error;
      counts.open++;
    }
  }
  return counts;
}

const LONG = { timeout: 12 * 3_600_000 };

describe('every order of at most seven operations', () => {
  it.each(Object.keys(systems))('decides like the monitor of %s', LONG, (kind) => {
    const { legal, impossible, inapplicable } = compareMany(kind, SMALL_RUNS, small);
    expect(Math.min(legal, impossible)).toBeGreaterThan(SMALL_RUNS / 30);
    expect(inapplicable).toBeLessThan(SMALL_RUNS / 2);
  });

  it.each(Object.keys(partlyJudged))('has none where the monitor of %s finds a violation', LONG, (kind) => {
    const { impossible } = compareMany(kind, SMALL_RUNS, small);
    expect(impossible).toBeGreaterThan(SMALL_RUNS / 60);
  });
});

describe('a search without any reduction of 20 to 36 operations', () => {
  it.each(Object.keys(systems))('decides like the monitor of %s', LONG, (kind) => {
    const counts = compareMany(kind, RUNS, nearlyLegal);
    expect(Math.min(counts.legal, counts.impossible), JSON.stringify(counts)).toBeGreaterThan(RUNS / 40);
    expect(counts.open, JSON.stringify(counts)).toBeLessThan(1 + RUNS / 80);
  });

  it.each(Object.keys(partlyJudged))('finds none where the monitor of %s finds a violation', LONG, (kind) => {
    const counts = compareMany(kind, RUNS, nearlyLegal);
    expect(counts.impossible, JSON.stringify(counts)).toBeGreaterThan(RUNS / 60);
    expect(counts.open, JSON.stringify(counts)).toBeLessThan(1 + RUNS / 80);
  });
});

describe('the checker', () => {
  it.each(Object.keys(all))('comes to the same verdict on %s where no monitor applies', (kind) => {
    const [modelName, begin] = all[kind] as (typeof all)[string];
    // A copy has no monitor.
    const bare = { ...(models[modelName] as AnyModel) };
    expect(bare.monitor).toBeUndefined();
    for (let seed = FROM; seed < FROM + RUNS / 4; seed++) {
      const rng = new Random(`${kind}, seed ${seed}, by both`);
      const history = simulated(rng, begin(), nearlyLegal(rng, kind));
      const judged = (model: AnyModel, budget: Budget) =>
        (linearizable(model).check(history, budget) as Verdict).validity;
      const other = judged(bare, brief());
      if (other === 'unknown') continue;
      // A monitor looks at its budget too.
      const one = judged(models[modelName] as AnyModel, brief(60));
      expect(one, `seed ${seed}`).toBe(other);
    }
  });
});
