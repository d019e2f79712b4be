/** The faults of a run, each from its choice to its undoing, put together from the events of the history. */

import type { Evidence, FaultRecord, Json } from './contract.ts';
import { type History, OK } from './history.ts';

/** One record for each hold under which something was done, in the order in which they were chosen. */
export function faultRecords(history: History): FaultRecord[] {
  const drafts = new Map<string, Draft>();
  for (const event of history.faults) {
    if (event.action === 'skipped') continue;
    let draft = drafts.get(event.hold);
    if (!draft) drafts.set(event.hold, (draft = begin(event)));
    if (event.action === 'inject') draft.injectNs = event.timeNs;
    if (event.action === 'injected') draft.injectedNs = event.timeNs;
    if (event.action === 'release') draft.releaseNs ??= event.timeNs;
    if (event.action === 'released') {
      draft.releasedNs = event.timeNs;
      draft.stuck = null;
    }
    if (event.action === 'stuck') draft.stuck = event.evidence?.observed ?? 'no reason was recorded';
    else if (event.evidence) draft.evidence = event.evidence;
  }
  const recoveries = new Recoveries(history);
  return [...drafts.values()].map((draft) => ({ ...draft, recoveryMs: recoveries.after(draft.releasedNs) }));
}

type Draft = { -readonly [field in keyof Omit<FaultRecord, 'recoveryMs'>]: FaultRecord[field] };

const begin = (event: { nemesis: string; hold: string; fault: Json; sentence: string; timeNs: number }): Draft => ({
  nemesis: event.nemesis,
  hold: event.hold,
  fault: event.fault,
  sentence: event.sentence,
  injectNs: event.timeNs,
  injectedNs: null,
  releaseNs: null,
  releasedNs: null,
  evidence: null as Evidence | null,
  stuck: null,
});

/** When each function was answered `ok`, in order of time. */
class Recoveries {
  readonly #byFunction = new Map<string, number[]>();

  constructor(history: History) {
    for (const name of history.functions) this.#byFunction.set(name, []);
    for (let at = 0; at < history.length; at++)
      if (history.type[at] === OK)
        this.#byFunction
          .get(history.functions[history.f[at] as number] as string)
          ?.push(history.completedNs[at] as number);
    for (const times of this.#byFunction.values()) times.sort((a, b) => a - b);
  }

  /** Milliseconds from `timeNs` to the next `ok` of each function. */
  after(timeNs: number | null): Record<string, number | null> {
    return Object.fromEntries(
      [...this.#byFunction].map(([name, times]) => {
        const next = timeNs === null ? undefined : firstAfter(times, timeNs);
        return [name, next === undefined || timeNs === null ? null : (next - timeNs) / 1e6];
      }),
    );
  }
}

function firstAfter(sorted: readonly number[], timeNs: number): number | undefined {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((sorted[middle] as number) < timeNs) low = middle + 1;
    else high = middle;
  }
  return sorted[low];
}
