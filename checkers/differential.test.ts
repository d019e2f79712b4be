/** The search against the definition itself on small histories, and against a search without any reduction on larger ones. */

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { HistoryEvent, Input, Json, Model, Verdict } from '../rig/contract.ts';
import { History, NEVER } from '../rig/history.ts';
import { Random } from '../rig/random.ts';
import { sketch } from '../rig/sketch.ts';
import { hasOrder, type Placeable, placeable } from './definition.ts';
import { linearizable } from './linearizable.ts';
import { type AnyModel, models } from './models/index.ts';
import { firstFailure } from './search/certificate.ts';
import { failsAround } from './search/piece.ts';
import { partitions, type Problem } from './search/problem.ts';
import { type Outcome, Search } from './search/search.ts';
import { IMPOSSIBLE, type Transitions } from './search/transitions.ts';
import { Trial } from './search/trial.ts';

const patient = { exhausted: () => false, reason: () => 'nothing' };
const validityOf = (history: History, model: AnyModel) =>
  (linearizable(model).check(history, patient) as Verdict).validity;

type Request = (choice: number) => readonly [Input, (choice: number) => Json];

/** A switch whose state nothing but its history tells: one kind of operation leads to several states. */
const flip: Model<boolean> = {
  name: 'switch',
  initial: false,
  functions: { flip: 'write', off: 'replace', read: 'read' },
  step(state, { f }, output) {
    if (f === 'read') return output === undefined || output === state ? state : { inconsistent: `it is ${state}` };
    return f === 'flip' && !state;
  },
  fingerprint: String,
  describe: ({ f }) => f,
};

const specimens: Record<string, AnyModel> = { ...models, switch: flip as unknown as AnyModel };

const requests: Record<string, Request> = {
  switch: (choice) => {
    const f = ['read', 'flip', 'off', 'read'][choice % 4] as string;
    return [{ f }, (seen) => f === 'read' && seen % 2 === 0];
  },
  register: (choice) => {
    const value = (choice >>> 2) % 3;
    if (choice % 4 < 2) return [{ f: 'read' }, (seen) => [null, 0, 1, 2][seen % 4] as Json];
    if (choice % 4 === 2) return [{ f: 'write', value }, () => null];
    return [{ f: 'cas', from: value, to: (choice >>> 4) % 3 }, () => null];
  },
  mutex: (choice) => [{ f: choice % 2 === 0 ? 'acquire' : 'release' }, () => null],
  'kv-append': (choice) => {
    const value = 'ab'[(choice >>> 2) % 2] as string;
    if (choice % 4 < 2) return [{ f: 'get', key: 'k' }, (seen) => ['', 'a', 'b', 'ab', 'ba', 'aa'][seen % 6] as string];
    return [{ f: choice % 4 === 2 ? 'put' : 'append', key: 'k', value }, () => null];
  },
};

/** A history of a few processes, whatever they saw; each number is one choice. */
function anyHistory(choices: readonly number[], processes: number, request: Request): History {
  const events: object[] = [];
  const open = new Map<number, (choice: number) => Json>();
  let fresh = processes;
  const running = Array.from({ length: processes }, (_, process) => process);
  for (const choice of choices) {
    const slot = choice % processes;
    const process = running[slot] as number;
    const answer = open.get(process);
    if (!answer) {
      const [input, output] = request(choice >>> 4);
      events.push({ type: 'invoke', process, input });
      open.set(process, output);
      continue;
    }
    open.delete(process);
    const end = (choice >>> 4) % 8;
    if (end === 0) {
      events.push({ type: 'info', process, error: 'timeout' });
      running[slot] = fresh++;
    } else if (end === 1) events.push({ type: 'fail', process, error: 'cas-mismatch' });
    else events.push({ type: 'ok', process, output: answer(choice >>> 7) });
  }
  return historyOf(events);
}

const historyOf = (events: readonly object[]): History =>
  new History(events.map((event, index) => ({ ...event, index, timeNs: 0, node: 'n1' }) as HistoryEvent));

/** Random histories of each kind; many more by hand: `ORDEAL_FUZZ=100000 npx vitest run checkers/differential.test.ts`. */
const FUZZ = process.env['ORDEAL_FUZZ'];
const RUNS = Number(FUZZ ?? 250);
const SMALL_RUNS = Number(FUZZ ?? 1500);

type Decide = (problem: Problem, transitions: Transitions<Json, Input, Json>) => Outcome;

const searchBy =
  (spending: 'sparing' | 'lavish', { knowing = true, byDemand = false, words = 2 ** 24 } = {}): Decide =>
  (problem, transitions) => {
    const uses = knowing ? transitions.uses() : null;
    const search = new Search(problem, transitions, { memory: { left: words }, spending, uses, byDemand });
    const outcome = search.run(1e5, 1e5, patient);
    if (outcome === 'legal') assertWitness(problem, transitions, search.order());
    return outcome;
  };

/** Every way to decide a history, each by itself, so that none hides behind another. */
const deciders: Record<string, Decide> = {
  sparing: searchBy('sparing'),
  lavish: searchBy('lavish'),
  'sparing, without knowing all steps': searchBy('sparing', { knowing: false }),
  'lavish, without knowing all steps': searchBy('lavish', { knowing: false }),
  'sparing, by demand': searchBy('sparing', { byDemand: true }),
  'lavish, by demand': searchBy('lavish', { byDemand: true }),
  // Forgetting costs time; that it could not be decided is no disagreement.
  'almost without memory': searchBy('sparing', { words: 4000 }),
  'in the smallest turns': (problem, transitions) => {
    const trial = new Trial(problem, transitions, { left: 2 ** 24 });
    for (let effort = 0.004; trial.outcome === 'open'; effort *= 1.3) trial.run(effort, patient);
    return trial.outcome;
  },
};

function assertAgreement(problem: Problem, transitions: Transitions<Json, Input, Json>, expected: Outcome, of: string) {
  for (const [way, decide] of Object.entries(deciders)) {
    const outcome = decide(problem, transitions);
    if (outcome === expected || (outcome === 'open' && way === 'almost without memory')) continue;
    expect.fail(`${of} ${way}: ${outcome}, yet it is ${expected}`);
  }
}

/** The order holds every operation answered before `until`, keeps real time, and the model allows each of its steps. */
function assertWitness(
  { kind, call, end }: Problem,
  transitions: Transitions<Json, Input, Json>,
  order: readonly number[],
  until = NEVER,
): void {
  const placed = new Set(order);
  if (placed.size < order.length) expect.fail('an operation stands twice in the order');
  if (end.some((rank, op) => rank < until && !placed.has(op))) expect.fail('an operation is missing in the order');
  let state = 0;
  let latestCall = -1;
  for (const op of order) {
    latestCall = Math.max(latestCall, call[op] as number);
    if ((end[op] as number) < latestCall) expect.fail('something that was over stands after what began later');
    state = transitions.step(state, kind[op] as number);
    if (state === IMPOSSIBLE) expect.fail('the model does not allow the order');
  }
  if (latestCall > until) expect.fail('the order holds what began later');
}

it('does not blame what hung on a used-up unknown operation on others', () => {
  // First in order come write 1, write 2, read 2; then read 1 uses up the unknown write, and nothing is left for the last.
  const history = sketch(`
    p0  |-write x 1-|
    p1  |-write x 2------------------------|
    p2  |-read x = 2--------------------|
    p3  |-write x 1-?
    p4                                        |-read x = 1-|  |-write x 3-|  |-read x = 1-|
  `);
  for (const { problem, transitions } of partitions(history, specimens['register'] as AnyModel))
    assertAgreement(problem, transitions, 'legal', 'the sketch');
});

it('does not blame it on others either where a failure is known already', () => {
  // What is known to fail hung on unknown writes that were used up; so does what fails because of it.
  const history = sketch(`
    p0  |-write x 3-------------------------------?
    p1         |-read x = 1---------|      |-write x 4-----------------|                    |-read x = 2---------|      |-write x 1-?
    p2                |-write x 1------------------------|      |-write x 2------------------------?
    p3                       |-read x = 3-------------------------------------|      |-read x = 3---------|
    p4                                                                                                                                |-read x = 1-|       |-read x = 4--|
    p5                                                                                                                                              |-write x 4---?
  `);
  for (const { problem, transitions } of partitions(history, specimens['register'] as AnyModel))
    assertAgreement(problem, transitions, 'legal', 'the sketch');
});

it('writes the present value again where that hides another write', () => {
  const history = sketch(`
    p0  |-write x 2----|
    p1          |-cas x 2 3----------------------|
    p2                          |-write x 2-----------------------------|
    p3                                  |-write x 1----|
    p4                                                          |-read x = 3---|
  `);
  for (const { problem, transitions } of partitions(history, specimens['register'] as AnyModel))
    assertAgreement(problem, transitions, 'legal', 'the sketch');
});

describe('against every order of at most seven operations', { timeout: 3_600_000 }, () => {
  it.each(Object.keys(requests))('agrees on random histories of %s', (name) => {
    const model = specimens[name] as AnyModel;
    const counts = { valid: 0, invalid: 0 };
    fc.assert(
      fc.property(
        fc.array(fc.nat(2 ** 16), { minLength: 2, maxLength: 14 }),
        fc.integer({ min: 1, max: 4 }),
        (choices, processes) => {
          const history = anyHistory(choices, processes, requests[name] as Request);
          const validity = validityOf(history, model);
          if (validity === 'unknown') return;
          counts[validity]++;
          const isLegal = hasOrder(placeable(history, model), model, false);
          expect(validity).toBe(isLegal ? 'valid' : 'invalid');
          for (const { problem, transitions } of partitions(history, model))
            assertAgreement(problem, transitions, isLegal ? 'legal' : 'impossible', '');
        },
      ),
      { numRuns: SMALL_RUNS, seed: 1 },
    );
    expect(Math.min(counts.valid, counts.invalid)).toBeGreaterThan(SMALL_RUNS / 10);
  });
});

interface Regime {
  readonly operations: number;
  readonly clients: number;
  readonly values: number;
  readonly unknown: number;
  readonly wrongRead: number;
  readonly cas: number;
  /** Share of reads among the rest; a half if it is left out. */
  readonly reads?: number;
  /** A seed beyond those that are always tried which once found a fault. */
  readonly alsoSeed?: number;
}

/** What clients of a real register would record, with some reads then made wrong: nearly legal is where searches err. */
function simulated(rng: Random, regime: Regime): History {
  const { operations, clients, unknown, wrongRead, values } = regime;
  const events: object[] = [];
  let state: Json = null;
  let fresh = clients;
  const late: (() => void)[] = [];
  const idle = () => ({
    process: -1,
    input: null as Input | null,
    apply: () => ({}) as object,
    end: null as object | null,
  });
  const running = Array.from({ length: clients }, (_, process) => ({ ...idle(), process }));
  for (let asked = 0; asked < operations || running.some(({ input }) => input); ) {
    if (late.length > 0 && rng.chance(0.02)) late.shift()?.();
    const client = rng.pick(running);
    if (client.input === null) {
      if (asked++ >= operations) continue;
      const input = drawRequest(rng, regime, state);
      client.input = input;
      client.apply = () => {
        const [next, end] = perform(input, state);
        state = next;
        return input.f === 'read' && rng.chance(wrongRead) ? { type: 'ok', output: rng.integer(1, values) } : end;
      };
      events.push({ type: 'invoke', process: client.process, input });
    } else if (client.end === null) {
      const isLost = rng.chance(unknown);
      const fate = rng.float();
      if (isLost && fate >= 0.5 && fate < 0.75) late.push(client.apply);
      const end = isLost && fate >= 0.5 ? {} : client.apply();
      client.end = isLost ? { type: 'info', error: 'timeout' } : end;
    } else {
      events.push({ ...client.end, process: client.process });
      if ('error' in client.end && client.end.error === 'timeout') client.process = fresh++;
      client.input = null;
      client.end = null;
    }
  }
  return historyOf(events);
}

function drawRequest(rng: Random, { values, cas, reads = 0.5 }: Regime, state: Json): Input {
  const value = rng.integer(1, values);
  const dice = rng.float();
  if (dice < cas) return { f: 'cas', from: rng.chance(0.5) ? state : rng.integer(1, values), to: value };
  return dice < cas + (1 - cas) * reads ? { f: 'read' } : { f: 'write', value };
}

function perform(input: Input, state: Json): readonly [Json, object] {
  if (input.f === 'read') return [state, { type: 'ok', output: state }];
  if (input.f === 'write') return [input['value'] as Json, { type: 'ok', output: null }];
  if (state !== input['from']) return [state, { type: 'fail', error: 'cas-mismatch' }];
  return [input['to'] as Json, { type: 'ok', output: null }];
}

const regimes: Record<string, Regime> = {
  '30 operations, 7 clients, 4 values, mostly writes and swaps': {
    operations: 30,
    clients: 7,
    values: 4,
    unknown: 0.05,
    wrongRead: 0.3,
    cas: 0.35,
    reads: 0.3,
    alsoSeed: 43121,
  },
  '30 operations, 5 clients, 3 values, 10 % unknown': {
    operations: 30,
    clients: 5,
    values: 3,
    unknown: 0.1,
    wrongRead: 0.07,
    cas: 0.33,
  },
  '20 operations, 8 clients, 2 values, 40 % swaps': {
    operations: 20,
    clients: 8,
    values: 2,
    unknown: 0.1,
    wrongRead: 0.35,
    cas: 0.4,
  },
  '24 operations, 4 clients, 3 values, 40 % unknown': {
    operations: 24,
    clients: 4,
    values: 3,
    unknown: 0.4,
    wrongRead: 0.1,
    cas: 0.3,
  },
  '40 operations, 3 clients, many values, 20 % unknown': {
    operations: 40,
    clients: 3,
    values: 30,
    unknown: 0.2,
    wrongRead: 0.01,
    cas: 0.3,
  },
};
describe('against a search without any reduction', () => {
  it.each(Object.keys(regimes))('agrees on nearly legal registers: %s', { timeout: 3_600_000 }, (name) => {
    const model = models['register'] as AnyModel;
    const counts = { legal: 0, impossible: 0, proven: 0 };
    const regime = regimes[name] as Regime;
    for (const seed of [regime.alsoSeed ?? 0, ...Array(RUNS).keys()]) {
      const rng = new Random(`${name} ${seed}`);
      const history = simulated(rng, regime);
      const [partition] = partitions(history, model);
      if (!partition) continue;
      const { problem, transitions } = partition;
      const expected = hasOrder(placeable(history, model), model, true) ? 'legal' : 'impossible';
      counts[expected]++;
      assertAgreement(problem, transitions, expected, `seed ${seed}`);
      const rank = rng.integer(0, problem.rankCount - 1);
      if (failsAround(problem, transitions, rank, { left: 5000 }, patient) !== null) {
        counts.proven++;
        if (expected === 'legal') expect.fail(`seed ${seed}: there is a proof around ${rank} of what is legal`);
      }
      if (expected === 'legal') continue;
      // The first failure is where the definition puts it: what comes before it has an order.
      const { blocked, order } = firstFailure(problem, transitions, { left: 2 ** 24 }, patient);
      assertWitness(problem, transitions, order, problem.end[blocked] as number);
      if (hasOrder(until(problem, blocked, history, model), model, true))
        expect.fail(`seed ${seed}: operation ${blocked} can be answered, yet it was blamed`);
    }
    expect(Math.min(counts.legal, counts.impossible, counts.proven * 4), JSON.stringify(counts)).toBeGreaterThan(
      RUNS / 12,
    );
  });
});

/** What is known when `blocked` has been answered. */
function until(problem: Problem, blocked: number, history: History, model: AnyModel): Placeable[] {
  const index = history.completeIndex[problem.at[blocked] as number] as number;
  return placeable(history, model).flatMap((op) => {
    if (op.call > index) return [];
    return op.end > index && op.end !== NEVER ? [{ ...op, end: NEVER, output: op.output }] : [op];
  });
}
