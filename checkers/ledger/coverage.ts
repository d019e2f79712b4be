/** How often a run came into the situations that a guarantee about keys is for. */

import { FAIL, type History } from '../../rig/history.ts';
import type { Asked, TransfersInput, TransfersOutput } from './evidence.ts';
import type { Findings } from './findings.ts';
import { withoutLife } from './service-requests.ts';
import type { Terms } from './terms.ts';
import type { WireSeen } from './wire.ts';

export interface Coverage {
  /** Transfers that were under way through two nodes at one time. */
  readonly concurrentDuplicates: number;
  /** Keys used with several payloads. */
  readonly reusedKeys: number;
  /** Requests that repeated an acknowledged one in another form. */
  readonly otherForms: number;
  /** Keys used by several payers. */
  readonly sharedKeys: number;
  /** Transfers whose key was found in use. */
  readonly inUse: number;
  /** Pairs of long keys that begin alike. */
  readonly similarKeys: number;
  readonly wire: WireSeen | null;
}

const SIMILAR_PREFIX = 24;

export function coverageOf(
  { history, evidence: { transfers, asked }, terms }: Findings,
  reusedKeys: number,
  wire: WireSeen | null,
): Coverage {
  const payers = new Map<string, string>();
  const shared = new Set<string>();
  const prefixes = new Map<string, number>();
  for (const { key, from: whose } of transfers.values()) {
    const from = withoutLife(whose);
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
    otherForms: asked.reduce((count, one) => count + (one?.form === undefined ? 0 : 1), 0),
    sharedKeys: shared.size,
    inUse: foundInUse(history, transfers.values(), terms),
    similarKeys: [...prefixes.values()].reduce((sum, count) => sum + count - 1, 0),
    wire,
  };
}

function concurrentDuplicates(history: History<TransfersInput, TransfersOutput>, transfers: Iterable<Asked>): number {
  let count = 0;
  for (const { attempts } of transfers) {
    const overlaps = attempts.some((at, nth) => {
      const next = attempts[nth + 1];
      if (next === undefined || history.node[at] === history.node[next]) return false;
      return history.endedNs(at) > (history.invokedNs[next] as number);
    });
    if (overlaps) count++;
  }
  return count;
}

function foundInUse(
  { type, error, errors }: History<TransfersInput, TransfersOutput>,
  transfers: Iterable<Asked>,
  { inUse }: Terms,
): number {
  let count = 0;
  for (const { attempts } of transfers)
    if (attempts.some((at) => type[at] === FAIL && inUse.has(errors[error[at] as number] as string))) count++;
  return count;
}
