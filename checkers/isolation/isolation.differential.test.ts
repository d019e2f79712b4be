/** The checkers against the definition: a history is serializable if some serial order shows every read what it saw. */

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { HistoryEvent, Json, Verdict } from '../../rig/contract.ts';
import { FAIL, History, OK } from '../../rig/history.ts';
import { listAppend, listAppendBy } from './list-append.ts';
import type { MicroOperation } from './micro-operations.ts';
import { rwRegister, rwRegisterBy } from './rw-register.ts';

const RUNS = Number(process.env['ORDEAL_FUZZ_RUNS'] ?? 2000);
const listAppendSerializable = listAppendBy('serializable');
const rwRegisterSerializable = rwRegisterBy({ model: 'serializable' });
const patient = { exhausted: () => false, reason: () => 'nothing' };

type Kind = 'list' | 'register' | 'update';
type State = ReadonlyMap<string, readonly number[]>;

/** What the micro-operations see and leave, if they run alone on `state`. */
function run(did: readonly MicroOperation[], state: State): { seen: Json[]; after: State } {
  const after = new Map(state);
  const seen = did.map(([f, key, value]) => {
    const list = after.get(key as string) ?? [];
    if (f === 'r') return list as Json;
    after.set(key as string, f === 'append' ? [...list, value as number] : [value as number]);
    return value;
  });
  return { seen, after };
}

const isSame = (seen: Json, read: Json): boolean =>
  JSON.stringify(seen) === JSON.stringify(Array.isArray(read) ? read : read === null ? [] : [read]);

/** Whether some order of all that succeeded, and some of what is unknown, explains every read. */
function hasSerialOrder(history: History, isStrict: boolean): boolean {
  const all = [...history.operations()].flatMap((operation, at) => {
    if (history.type[at] === FAIL) return [];
    const isOk = history.type[at] === OK;
    const did = (isOk ? history.output(at) : operation.input['value']) as unknown as readonly MicroOperation[];
    return [{ did, isOk, begin: operation.index, end: isOk ? (history.completeIndex[at] as number) : Infinity }];
  });
  const search = (left: typeof all, state: State): boolean => {
    if (left.every(({ isOk }) => !isOk)) return true;
    const firstEnd = Math.min(...left.map(({ end }) => end));
    return left.some((next) => {
      if (isStrict && next.begin > firstEnd) return false;
      const { seen, after } = run(next.did, state);
      const fits = next.did.every(([f, , value], at) => f !== 'r' || !next.isOk || isSame(seen[at] as Json, value));
      return (
        fits &&
        search(
          left.filter((one) => one !== next),
          after,
        )
      );
    });
  };
  return search(all, new Map());
}

/** Histories of a few transactions on a store that is as loose as the choices make it. */
function anyHistory(choices: readonly number[], kind: Kind): History {
  let drawn = 0;
  const choose = (ways: number) => (choices[drawn++] ?? 0) % ways;
  const events: object[] = [];
  const versions: State[] = [new Map()];
  const open: { process: number; did: readonly MicroOperation[]; base: State }[] = [];
  let value = 0;
  let process = 0;
  const looseness = choose(4);
  const write = kind === 'list' ? 'append' : 'w';
  const latest = () => versions.at(-1) as State;
  const begin = () => {
    const did = Array.from({ length: 1 + choose(3) }, () => {
      const key = 'xyz'[choose(3)] as string;
      if (choose(2) === 0) return [['r', key, null]];
      return kind === 'update'
        ? [
            ['r', key, null],
            [write, key, ++value],
          ]
        : [[write, key, ++value]];
    }).flat() as unknown as readonly MicroOperation[];
    events.push({ type: 'invoke', process, input: { f: 'txn', value: did } });
    open.push({ process: process++, did, base: latest() });
  };
  const end = () => {
    const [{ process: who, did, base }] = open.splice(choose(open.length), 1) as [(typeof open)[number]];
    const outcome = choose(12);
    // An old snapshot, the one it began with, or the present.
    const from =
      looseness === 0 || choose(4) > looseness
        ? latest()
        : choose(3) > 0
          ? base
          : (versions[choose(versions.length)] as State);
    const { seen } = run(did, from);
    if (outcome > 1 || choose(2) === 0)
      versions.push(run(did, looseness === 3 && choose(4) === 0 ? from : latest()).after);
    const output = did.map(([f, key], at) => {
      const saw = seen[at] as Json;
      return [f, key, f === 'r' && kind !== 'list' ? ((saw as readonly Json[]).at(-1) ?? null) : saw];
    });
    if (outcome > 1) events.push({ type: 'ok', process: who, output });
    else events.push({ type: outcome === 0 && kind !== 'update' ? 'info' : 'fail', process: who, error: 'drawn' });
  };
  for (let begun = 0, most = 2 + choose(5); begun < most || open.length > 0; ) {
    if (begun < most && (open.length === 0 || choose(2) === 0)) {
      begin();
      begun++;
    } else end();
  }
  return new History(
    events.map((event, index) => ({ ...event, index, timeNs: index, node: 'n1' }) as unknown as HistoryEvent),
  );
}

const histories = (kind: Kind) =>
  fc.array(fc.nat(), { minLength: 40, maxLength: 90 }).map((choices) => anyHistory(choices, kind));

const drawnAs = (history: History): string =>
  JSON.stringify(
    [...history.operations()].map(({ index, input, completion }) => [
      index,
      input['value'] as Json,
      completion as unknown as Json,
    ]),
    null,
    1,
  );

describe.each([
  ['list-append', 'list', listAppend, listAppendSerializable],
  ['rw-register with updates only', 'update', rwRegister, rwRegisterSerializable],
] as const)('%s', (_, kind, strict, serializable) => {
  it('calls invalid exactly what has no serial order, with and without real time', () => {
    const counts = { valid: 0, unknown: 0, invalid: 0 };
    fc.assert(
      fc.property(histories(kind), (history) => {
        for (const checker of [strict, serializable]) {
          const verdict = checker.check(history as never, patient) as Verdict;
          counts[verdict.validity]++;
          const isPossible = hasSerialOrder(history, checker === strict);
          expect(verdict.validity === 'invalid', `${verdict.summary} ${drawnAs(history)}`).toBe(!isPossible);
        }
      }),
      { numRuns: RUNS },
    );
    expect(Math.min(counts.valid, counts.invalid)).toBeGreaterThan(RUNS / 20);
  });
});

describe('rw-register', () => {
  it('never calls invalid what has a serial order, and finds most of what has none', () => {
    let missed = 0;
    let impossible = 0;
    fc.assert(
      fc.property(histories('register'), (history) => {
        for (const checker of [rwRegister, rwRegisterSerializable]) {
          const verdict = checker.check(history as never, patient) as Verdict;
          const isPossible = hasSerialOrder(history, checker === rwRegister);
          if (verdict.validity === 'invalid') expect(isPossible, `${verdict.summary} ${drawnAs(history)}`).toBe(false);
          if (!isPossible) impossible++;
          if (!isPossible && verdict.validity !== 'invalid') missed++;
        }
      }),
      { numRuns: RUNS },
    );
    expect(missed / impossible).toBeLessThan(0.2);
  });
});
