/**
 * Did a replay of recorded traffic change nothing? Before it the books were rebuilt, and must be as they were recorded;
 * after it they must be as they were before, to the id of every transfer and every balance.
 */

import { createHash } from 'node:crypto';
import type { Account, AppliedTransfer, Verdict } from '../rig/contract.ts';
import { defineChecker, unknown } from '../rig/define.ts';
import type { History } from '../rig/history.ts';
import { Anomalies, count } from './anomalies.ts';
import {
  type AccountsRead,
  gather,
  type Listing,
  type TransfersInput,
  type TransfersOutput,
} from './ledger/evidence.ts';
import { nameOf } from './wording.ts';

const NAME = 'replayed';

/** What was applied, whatever it was called and whenever: of two lists of the same transfers it is the same. */
export function digestOf(applied: readonly Omit<AppliedTransfer, 'id'>[]): string {
  const lines = applied.map(({ from, key, to, amount }) => JSON.stringify([from, key, to, amount])).sort();
  return createHash('sha256').update(lines.join('\n')).digest('hex').slice(0, 32);
}

export const replayed = defineChecker<TransfersInput, TransfersOutput>({
  name: NAME,
  check(history): Verdict {
    const evidence = gather(history);
    const rebuilt = evidence.listings.find(({ at }) => expectedOf(history.input(at)) !== undefined);
    const last = evidence.listings.at(-1);
    if (!rebuilt) return unknown(NAME, 'nothing was rebuilt from a recorded run');
    const lastAsked = lastAttempt(history.invokeIndex, evidence.transfers.values());
    if (!last || last === rebuilt || last.invoked < lastAsked)
      return unknown(NAME, 'the books were not read after the replay');
    const anomalies = new Anomalies(history);
    const before = entriesOf(rebuilt);
    if (digestOf(before) !== expectedOf(history.input(rebuilt.at)))
      anomalies.add('state-not-rebuilt', () => ({
        subject: 'the books',
        explanation: `what was recorded as applied was asked for again in the same order, but ${count(before.length, 'transfer')} in the list read by ${nameOf(history, rebuilt.at)} are not what was recorded`,
        operations: [rebuilt.at],
      }));
    for (const name of new Set([...rebuilt.applied.keys(), ...last.applied.keys()])) {
      const [then, now] = [idsOf(rebuilt, name), idsOf(last, name)];
      if (then === now) continue;
      const attempts = evidence.transfers.get(name)?.attempts ?? [];
      anomalies.add('state-changed', () => ({
        subject: name,
        explanation: `the replay changed what was applied under one key: ${then || 'nothing'} before it, ${now || 'nothing'} after it (${nameOf(history, last.at)})`,
        operations: [...attempts.slice(-20), rebuilt.at, last.at],
      }));
    }
    judgeBalances(history, evidence.accountReads, rebuilt, last, anomalies);
    const repeats = [...evidence.transfers.values()].reduce((sum, { attempts }) => sum + attempts.length - 1, 0);
    return anomalies.conclude({
      checker: NAME,
      guarantee: 'replayed traffic changes nothing',
      seen: `${count(repeats, 'repeat')} of ${count(before.length, 'applied transfer')}`,
      missing: repeats === 0 ? ['nothing was asked for again'] : [],
      statistics: { rebuilt: before.length, repeats },
    });
  },
});

/** The accounts read first after the one list, and those read last. */
function judgeBalances(
  history: History<TransfersInput, TransfersOutput>,
  reads: readonly AccountsRead[],
  rebuilt: Listing,
  last: Listing,
  anomalies: Anomalies,
): void {
  const before = reads.find(({ at }) => (history.invokeIndex[at] as number) > rebuilt.completed);
  const after = reads.findLast(({ at }) => (history.invokeIndex[at] as number) > last.completed);
  if (!before || !after) return;
  const told = ({ accounts }: AccountsRead) =>
    JSON.stringify(accounts.map(({ account, balance }: Account) => [account, balance]));
  if (told(before) === told(after)) return;
  anomalies.add('state-changed', () => ({
    subject: 'the balances',
    explanation: `the replay changed what the accounts hold: ${told(before)} before it, ${told(after)} after it`,
    operations: [before.at, after.at],
  }));
}

const expectedOf = (input: TransfersInput): string | undefined =>
  input.f === 'applied' && typeof input.expected === 'string' ? input.expected : undefined;

const entriesOf = ({ applied }: Listing): readonly AppliedTransfer[] => [...applied.values()].flat();

const idsOf = ({ applied }: Listing, name: string): string =>
  (applied.get(name) ?? [])
    .map(({ id }) => id)
    .sort()
    .join(' and ');

function lastAttempt(invokeIndex: Int32Array, transfers: Iterable<{ readonly attempts: readonly number[] }>): number {
  let last = -1;
  for (const { attempts } of transfers) for (const at of attempts) last = Math.max(last, invokeIndex[at] as number);
  return last;
}
