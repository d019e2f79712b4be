/** What all validators owe: no history makes them fall, and the page about them names them all. */

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import type { HistoryEvent, Verdict } from '../rig/contract.ts';
import { readAnyHistory } from '../rig/formats.ts';
import { History } from '../rig/history.ts';
import { packageRoot } from '../rig/package-root.ts';
import { rooms } from '../rig/rooms.ts';

const PAGE = readFileSync(join(packageRoot, 'docs', 'validators.md'), 'utf8');
const unlimited = { exhausted: () => false, reason: () => '' };

/** Names in the first column of the table. */
const named = [...PAGE.matchAll(/^\| (`[^|]+`) \|/gm)]
  .flatMap(([, names = '']) => [...names.matchAll(/`([^`]+)`/g)].map(([, name]) => name as string))
  .filter((name) => !name.startsWith('--'));

it('docs/validators.md names every validator, and nothing else', async () => {
  const empty = new History([]);
  const verdicts: Verdict[] = [];
  for (const checker of rooms.checkers.all) verdicts.push(await checker.check(empty, unlimited));
  const validators = verdicts.filter(({ summary }) => summary.startsWith('not judged: ')).map(({ checker }) => checker);
  expect([...named].sort()).toEqual(validators.sort());
});

it('docs/validators.md shows a history that is invalid for the reason it gives', async () => {
  const text = /```json\n([^]*?)```/.exec(PAGE)?.[1] ?? '';
  const { history } = await readAnyHistory(new TextEncoder().encode(text));
  const verdict = await rooms.checkers.get('set-full').check(history, unlimited);
  expect(verdict).toMatchObject({ validity: 'invalid', anomalies: [{ name: 'lost' }] });
});

const FUNCTIONS = ['read', 'write', 'cas', 'add', 'enqueue', 'dequeue', 'drain', 'generate', 'transfer', 'accounts'];
const MORE_FUNCTIONS = ['acquire', 'release', 'send', 'poll', 'txn', 'watch', 'status', '__proto__', ''];
const odd = fc.oneof(
  fc.jsonValue({ maxDepth: 3 }),
  fc.constantFrom(null, 0, -1, 1, 2, 'a', '__proto__', 1e308, [1, 2, 2], [[0, 'a']], [['r', 'x', 1]], { a: 1 }, [null]),
  fc.constant([{ revision: 1, changes: [{ key: 'a', value: 1, revision: 1, created: true }] }]),
);
const anyEvent = fc.record({
  process: fc.integer({ min: -1, max: 3 }),
  isInvocation: fc.boolean(),
  type: fc.constantFrom('ok', 'ok', 'fail', 'info'),
  input: fc.record(
    {
      f: fc.constantFrom(...FUNCTIONS, ...MORE_FUNCTIONS),
      key: odd,
      value: odd,
      from: odd,
      to: odd,
      ttlMs: odd,
      prefix: odd,
    },
    { requiredKeys: ['f'] },
  ),
  output: odd,
});

it.each(named)('%s comes to a verdict on anything that can be read', async (name) => {
  const checker = rooms.checkers.get(name);
  await fc.assert(
    fc.asyncProperty(fc.array(anyEvent, { maxLength: 40 }), async (events) => {
      const history = new History(
        events.map(({ process, isInvocation, type, input, output }, index) => {
          const who = { index, timeNs: index, process, node: `n${process}` };
          return (isInvocation
            ? { ...who, type: 'invoke', input }
            : { ...who, type, ...(type === 'ok' ? { output } : { error: 'drawn' }) }) as unknown as HistoryEvent;
        }),
      );
      const verdict = await checker.check(history, unlimited);
      expect(['valid', 'invalid', 'unknown']).toContain(verdict.validity);
      if (verdict.validity === 'invalid') expect(verdict.anomalies[0]?.witnesses).not.toEqual([]);
      expect(JSON.parse(JSON.stringify(verdict))).toEqual(verdict);
    }),
    { numRuns: 300, seed: 7 },
  );
});
