/** Outside histories with planted anomalies get the verdict, the anomalies and the refuted models that Elle gave them. */

import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import type { Checker, Verdict } from '../../rig/contract.ts';
import { readAnyHistory } from '../../rig/formats.ts';
import { isolationBy } from './by-name.ts';
import { listAppend } from './list-append.ts';
import { rwRegister } from './rw-register.ts';

const patient = { exhausted: () => false, reason: () => 'nothing' };
const shared = new URL('../../../shared/histories/', import.meta.url);
const isThere = existsSync(shared);
if (!isThere) console.warn('SKIPPED: the outside transactions, since ../shared/histories is not beside the checkout');

/** The name of our checker with Elle's options: `la` and `rw` are the histories' own prefixes. */
function nameOf(file: string, options: string): string {
  const words = [...options.matchAll(/\[:([\w-]+)\]|:([\w-]+)\? true/g)].map(([, model, keys]) => model ?? keys);
  return `${file.startsWith('txn/la') ? 'list-append' : 'rw-register'}${words.length > 0 ? `:${words.join('+')}` : ''}`;
}

const checkerOf = (name: string): Checker =>
  (isolationBy(name) ?? (name === 'list-append' ? listAppend : rwRegister)) as unknown as Checker;

const judge = async (checker: Checker, path: string): Promise<Verdict> => {
  const { history } = await readAnyHistory(new URL(path, shared).pathname);
  return checker.check(history, patient);
};

describe.skipIf(!isThere)('outside transactions with known verdicts', () => {
  const rows = isThere
    ? readFileSync(new URL('txn/expected.tsv', shared), 'utf8')
        .trim()
        .split('\n')
        .slice(1)
        .map((line) => line.split('\t') as [string, string, string, string, string])
    : [];

  it.each(rows)('%s with %s is %s: %s, not %s', async (file, options, validity, types, models) => {
    const verdict = await judge(checkerOf(nameOf(file, options)), file);
    expect(verdict.validity).toBe(validity);
    const counts: Record<string, number> = {};
    for (const { name } of verdict.anomalies) counts[name] = (counts[name] ?? 0) + 1;
    const wanted = [...types.matchAll(/:([\w-]+) (\d+)/g)].map(([, name, count]) => [name, Number(count)] as const);
    expect(counts).toEqual(Object.fromEntries(wanted));
    const { not } = verdict.statistics as { readonly not: readonly string[] };
    expect(new Set(not)).toEqual(new Set([...models.matchAll(/:([\w-]+)/g)].map(([, model]) => model)));
  });

  it('the example of the paper on Elle has its cycle of three', async () => {
    const verdict = await judge(checkerOf('list-append:serializable'), 'elle/paper-example.edn');
    expect(verdict.validity).toBe('invalid');
    expect(verdict.anomalies.map(({ name, witnesses }) => [name, witnesses])).toEqual([['G-single-item', [2, 4, 6]]]);
    expect(verdict.anomalies[0]?.explanation).toContain(
      "T1 < T2, because T2 observed T1's append of 8 to key 255. T2 < T3, because T3's append of 3 to key 256 came after T2's append of 4",
    );
  });
});
