/**
 * The last resort, for histories of few transactions whose versions have no known order: a search for a serial order
 * that explains every read, by the search for linearizations with transactions as its operations.
 */

import type { Budget, HistoryEvent, Json, Model, Verdict } from '../../rig/contract.ts';
import { History } from '../../rig/history.ts';
import { linearizable } from '../linearizable.ts';
import type { ConsistencyModel } from './consistency-models.ts';
import type { Findings } from './findings.ts';
import { type MicroOperation, ownForm, type TransactionInput, type TransactionOutput } from './micro-operations.ts';
import { sorted } from './row-cursor.ts';
import { microText } from './wording.ts';

/** Beyond so many the search would seldom end; without real time all of them overlap. */
const MOST_IN_TIME = 500;
const MOST_WITHOUT = 24;
/** How often the search may ask whether it may go on. */
const MOST_POLLS = 10_000;

type State = ReadonlyMap<string, Json>;
type TransactionModel = Model<State, TransactionInput, TransactionOutput>;

/** What one micro-operation leaves at its key, or why it cannot have been; `isSeen`: with the results that it had. */
type Apply = (before: Json, micro: MicroOperation, isSeen: boolean) => Json | { readonly inconsistent: string };

const modelOf = (name: string, apply: Apply): TransactionModel => ({
  name,
  initial: new Map(),
  step(state, { value }, output) {
    const after = new Map(state);
    for (const micro of (output ?? value).map(ownForm)) {
      const key = JSON.stringify(micro[1]);
      const left = apply(after.get(key) ?? null, micro, output !== undefined);
      if (isInconsistent(left)) return left;
      if (left === null) after.delete(key);
      else after.set(key, left);
    }
    return after;
  },
  fingerprint: (state) => {
    const held = [...state].sort(([a], [b]) => (a < b ? -1 : 1));
    return `{${held.map(([key, wrapped]) => `${key}: ${JSON.stringify((wrapped as readonly Json[])[0])}`).join(', ')}}`;
  },
  describe: ({ value }, output) =>
    (output ?? value).map((micro) => microText(ownForm(micro), output !== undefined)).join(', ') || 'nothing',
});

const isInconsistent = (left: ReturnType<Apply>): left is { readonly inconsistent: string } =>
  typeof left === 'object' && left !== null && 'inconsistent' in left;

const isSame = (one: Json, other: Json): boolean => JSON.stringify(one) === JSON.stringify(other);

/** Values are wrapped, so that none looks like a reason. */
export const registers = modelOf('transactions', (before, [f, key, value], isSeen) => {
  if (f !== 'r') return [value];
  const holds = before === null ? null : ((before as readonly Json[])[0] as Json);
  if (!isSeen || isSame(holds, value)) return before;
  return {
    inconsistent: `cannot read ${JSON.stringify(key)} as ${JSON.stringify(value)} while it is ${JSON.stringify(holds)}`,
  };
});

export const rows = modelOf('transactions on rows', (before, [f, key, row, changed], isSeen) => {
  const is = before === null ? 'there is no row' : `its row is ${JSON.stringify((before as readonly Json[])[0])}`;
  const cannot = { inconsistent: `cannot ${f} ${JSON.stringify(key)} with that result while ${is}` };
  if (f === 'select') {
    const holds = before === null ? null : ((before as readonly Json[])[0] as Json);
    return !isSeen || isSame(holds, sorted(row)) ? before : cannot;
  }
  if (f === 'insert') return before === null ? [sorted(row)] : cannot;
  const isChanged = before !== null;
  if (isSeen && changed !== (isChanged ? 1 : 0)) return cannot;
  return isChanged && f === 'update' ? [sorted(row)] : null;
});

/** True if an order was found; that there is none is reported. Histories that are too long, or need none, are let be. */
export function seekOrder(
  history: History,
  machine: TransactionModel,
  model: ConsistencyModel,
  findings: Findings,
  budget: Budget,
): boolean {
  const inTime = model === 'strict-serializable';
  if (!inTime && model !== 'serializable') return false;
  if (history.length > (inTime ? MOST_IN_TIME : MOST_WITHOUT)) return false;
  let polls = 0;
  const short: Budget = { exhausted: () => ++polls > MOST_POLLS || budget.exhausted(), reason: () => 'patience' };
  const searched = (inTime ? history : withoutTime(history)) as unknown as History<TransactionInput, TransactionOutput>;
  const { validity, anomalies } = linearizable(machine).check(searched, short) as Verdict;
  const [anomaly] = anomalies;
  if (!anomaly) return validity === 'valid';
  const { name: _, ...told } = anomaly;
  findings.add(inTime ? 'nonserializable-realtime' : 'nonserializable', () => ({
    ...told,
    explanation: `no order of all transactions${inTime ? ', each between its invocation and its completion,' : ''} explains what was read. In the longest that does: ${told.explanation}`,
  }));
  return false;
}

/** The same transactions, all at the same time. */
function withoutTime(history: History): History {
  const { length, eventCount } = history;
  const events: HistoryEvent[] = [];
  const who = (at: number) => ({ process: at, node: history.nodes[history.node[at] as number] as string });
  for (let at = 0; at < length; at++) {
    const [index, timeNs] = [history.invokeIndex[at] as number, history.invokedNs[at] as number];
    events.push({ index, timeNs, ...who(at), type: 'invoke', input: history.input(at) });
  }
  for (let at = 0; at < length; at++)
    events.push({ index: eventCount + at, timeNs: history.lastNs, ...who(at), ...history.completion(at) });
  return new History(events);
}
