/**
 * What the checkers of transactions are tested against: random histories of a few transactions on a store that is more
 * or less loose, and the definition itself, tried out: some serial order shows every read what it saw.
 */

import type { HistoryEvent, Json } from '../../rig/contract.ts';
import { FAIL, History, OK } from '../../rig/history.ts';
import type { Random } from '../../rig/random.ts';
import type { MicroOperation } from './micro-operations.ts';

/** Lists, registers that are written blindly, registers that are read before they are written, and rows. */
export type Kind = 'list' | 'register' | 'update' | 'rows';

export const MOST_TRANSACTIONS = 7;

type State = ReadonlyMap<string, Json>;

/** What the micro-operations give and leave, if they run alone on `state`; `null` if they cannot. */
function run(did: readonly MicroOperation[], state: State): { output: MicroOperation[]; after: State } | null {
  const after = new Map(state);
  const output: MicroOperation[] = [];
  for (const [f, name, value] of did) {
    const key = name as string;
    const before = after.get(key) ?? null;
    if (f === 'r' || f === 'select') output.push([f, key, before]);
    else if (f === 'insert' && before !== null) return null;
    else {
      const isThere = before !== null;
      if (f === 'append') after.set(key, [...((before ?? []) as readonly Json[]), value]);
      else if (f === 'w' || f === 'insert' || (f === 'update' && isThere)) after.set(key, value);
      else if (f === 'delete') after.delete(key);
      output.push(f === 'update' || f === 'delete' ? [f, key, value, isThere ? 1 : 0] : [f, key, value]);
    }
  }
  return { output, after };
}

/** Whether some order of all that succeeded, and some of what is unknown, explains every answer. */
export function hasSerialOrder(history: History, isStrict: boolean): boolean {
  const all = Array.from({ length: history.length }, (_, at) => at)
    .filter((at) => history.type[at] !== FAIL)
    .map((at) => {
      const isOk = history.type[at] === OK;
      const end = isOk ? (history.completeIndex[at] as number) : Infinity;
      const did = (isOk ? history.output(at) : history.input(at)['value']) as unknown as readonly MicroOperation[];
      return { did, answer: isOk ? normal(did) : null, begin: history.invokeIndex[at] as number, end };
    });
  const search = (left: typeof all, state: State): boolean => {
    if (left.every(({ answer }) => answer === null)) return true;
    const firstEnd = Math.min(...left.map(({ end }) => end));
    return left.some((next) => {
      if (isStrict && next.begin > firstEnd) return false;
      const ran = run(next.did, state);
      if (!ran || (next.answer !== null && normal(ran.output) !== next.answer)) return false;
      return search(
        left.filter((one) => one !== next),
        ran.after,
      );
    });
  };
  return search(all, new Map());
}

/** An empty list and nothing are the same. */
const normal = (did: readonly MicroOperation[]): string =>
  JSON.stringify(
    did.map(([f, key, value, changed]) => [f, key, Array.isArray(value) && value.length === 0 ? null : value, changed]),
  );

const FUNCTIONS: Readonly<Record<Kind, string>> = { list: 'append', register: 'w', update: 'w', rows: '' };

/** Transactions that see the present, the past in which they began, or any past; some fail, of some nobody knows. */
export function randomHistory(kind: Kind, rng: Random): History {
  return new Simulation(kind, rng).history();
}

interface Open {
  readonly process: number;
  readonly did: readonly MicroOperation[];
  /** What it began on. */
  readonly base: State;
}

class Simulation {
  readonly #kind: Kind;
  readonly #rng: Random;
  readonly #events: object[] = [];
  readonly #versions: State[] = [new Map()];
  readonly #open: Open[] = [];
  readonly #looseness: number;
  #written = 0;
  #processes = 0;

  constructor(kind: Kind, rng: Random) {
    this.#kind = kind;
    this.#rng = rng;
    this.#looseness = rng.integer(0, 3);
  }

  history(): History {
    const most = this.#rng.integer(2, MOST_TRANSACTIONS);
    for (let begun = 0; begun < most || this.#open.length > 0; ) {
      if (begun < most && (this.#open.length === 0 || this.#rng.chance(0.5))) {
        this.#begin();
        begun++;
      } else this.#end();
    }
    const events = this.#events.map((event, index) => ({ ...event, index, timeNs: index, node: 'n1' }));
    return new History(events as unknown as HistoryEvent[]);
  }

  #begin(): void {
    const did = Array.from({ length: this.#rng.integer(1, 3) }, () => this.#micros()).flat();
    this.#events.push({ type: 'invoke', process: this.#processes, input: { f: 'txn', value: did } });
    this.#open.push({ process: this.#processes++, did, base: this.#versions.at(-1) as State });
  }

  #micros(): MicroOperation[] {
    const key = this.#rng.pick(this.#kind === 'rows' ? ['x', 'y'] : ['x', 'y', 'z']);
    if (this.#kind === 'rows') {
      const f = this.#rng.pick(['select', 'select', 'insert', 'update', 'delete']);
      return [[f, key, f === 'insert' || f === 'update' ? { row: ++this.#written } : null]];
    }
    if (this.#rng.chance(0.5)) return [['r', key, null]];
    const write: MicroOperation = [FUNCTIONS[this.#kind], key, ++this.#written];
    return this.#kind === 'update' ? [['r', key, null], write] : [write];
  }

  #end(): void {
    const [{ process, did, base }] = this.#open.splice(this.#rng.integer(0, this.#open.length - 1), 1) as [Open];
    const latest = this.#versions.at(-1) as State;
    const isPresent = this.#looseness === 0 || this.#rng.integer(0, 3) > this.#looseness;
    const from = isPresent ? latest : this.#rng.chance(0.7) ? base : this.#rng.pick(this.#versions);
    const seen = run(did, from);
    const luck = this.#rng.integer(0, 11);
    // Of those that are not answered half happen.
    const isLost = this.#looseness === 3 && this.#rng.chance(0.25);
    const left = luck > 1 || this.#rng.chance(0.5) ? run(did, isLost ? from : latest) : null;
    if (left) this.#versions.push(left.after);
    const type = !seen ? 'fail' : luck > 1 ? 'ok' : luck === 0 ? 'info' : 'fail';
    if (type === 'ok') this.#events.push({ type, process, output: seen?.output });
    else this.#events.push({ type, process, error: 'drawn' });
  }
}
