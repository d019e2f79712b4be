/**
 * What of exactly-once the evidence of a run allows to judge: how much of each situation was seen, and, by name, what
 * never happened and so was not judged. A pass says nothing of what is named here.
 */

import type { History } from '../../rig/history.ts';
import type { Asked, Evidence, TransfersInput, TransfersOutput } from './evidence.ts';
import type { WireSeen } from './wire.ts';

export interface Coverage {
  /** Transfers that were under way through two nodes at one time. */
  readonly concurrentDuplicates: number;
  /** Keys used with several payloads. */
  readonly reusedKeys: number;
  /** Keys used by several payers. */
  readonly sharedKeys: number;
  /** Pairs of long keys that begin alike. */
  readonly similarKeys: number;
  readonly wire: WireSeen | null;
}

/** What no run with this API can show. */
const NEVER_JUDGED: readonly string[] = [
  'keys after a restore or a rollback: none was made',
  'how long keys are kept: the API does not say',
  'tenants: the API has none',
  'queue consumers: the API has none',
];
const SIMILAR_PREFIX = 24;

export function coverageOf(
  history: History<TransfersInput, TransfersOutput>,
  { transfers }: Evidence,
  reusedKeys: number,
  wire: WireSeen | null,
): Coverage {
  const payers = new Map<string, string>();
  const shared = new Set<string>();
  const prefixes = new Map<string, number>();
  for (const { key, from } of transfers.values()) {
    if ((payers.get(key) ?? from) !== from) shared.add(key);
    else if (!payers.has(key) && key.length > SIMILAR_PREFIX) {
      const prefix = key.slice(0, SIMILAR_PREFIX);
      prefixes.set(prefix, (prefixes.get(prefix) ?? 0) + 1);
    }
    payers.set(key, from);
  }
  return {
    concurrentDuplicates: concurrentDuplicates(history, transfers.values()),
    reusedKeys,
    sharedKeys: shared.size,
    similarKeys: [...prefixes.values()].reduce((sum, count) => sum + count - 1, 0),
    wire,
  };
}

/** Names what the run did not show, each with the evidence that is missing. */
export function notJudged({ concurrentDuplicates: overlapping, reusedKeys, sharedKeys, similarKeys, wire }: Coverage) {
  const missing = [
    overlapping === 0 && 'concurrent duplicates: no transfer was under way through two nodes at one time',
    reusedKeys === 0 && 'a key with another payload: none was asked for',
    sharedKeys === 0 && 'the scope of keys: no two payers used the same',
    similarKeys === 0 && 'long keys that begin alike: none were used',
    !wire && 'hidden retries and answers that were lost: there is no wire log',
    wire?.incomplete && `some hidden retries: ${wire.incomplete}`,
    wire?.copies === 0 && 'duplicates that clients know nothing of: none was delivered',
  ];
  return [...missing.filter((one) => typeof one === 'string'), ...NEVER_JUDGED];
}

function concurrentDuplicates(history: History<TransfersInput, TransfersOutput>, transfers: Iterable<Asked>): number {
  let count = 0;
  for (const { attempts } of transfers) {
    const overlaps = attempts.some((at, nth) => {
      const next = attempts[nth + 1];
      if (next === undefined || history.node[at] === history.node[next]) return false;
      return (history.endedNs[at] as number) > (history.invokedNs[next] as number);
    });
    if (overlaps) count++;
  }
  return count;
}
