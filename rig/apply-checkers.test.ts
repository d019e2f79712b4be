import { existsSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { beforeAll, describe, expect, it } from 'vitest';
import { linearizable } from '../checkers/linearizable.ts';
import { register } from '../checkers/models/register.ts';
import { applyCheckers } from './apply-checkers.ts';
import type { Checker, HistoryEvent } from './contract.ts';
import { valid } from './define.ts';
import { History } from './history.ts';
import { packageRoot } from './package-root.ts';

const throwing: Checker = {
  name: 'throwing',
  check() {
    throw new Error('no idea');
  },
};
const content: Checker = { name: 'content', check: () => valid('content', 'all is well') };

/** One process that writes and reads back, over and over; `flaw` is the operation that reads something else. */
function writesAndReads(operations: number, flaw = -1): History {
  const events: HistoryEvent[] = [];
  const add = (event: object) =>
    events.push({ index: events.length, timeNs: events.length, process: 0, node: 'n1', ...event } as HistoryEvent);
  for (let at = 0; at < operations; at += 2) {
    add({ type: 'invoke', input: { f: 'write', key: at % 2_000, value: at } });
    add({ type: 'ok', output: null });
    add({ type: 'invoke', input: { f: 'read', key: at % 2_000 } });
    add({ type: 'ok', output: at + 1 === flaw ? -1 : at });
  }
  return new History(events);
}

describe('applyCheckers', () => {
  it('goes on after a checker that throws, which makes an unknown and an error', async () => {
    const { verdicts, errors } = await applyCheckers(new History([]), [throwing, content], { timeoutMs: 1000 });
    expect(verdicts.map(({ validity }) => validity)).toEqual(['unknown', 'valid']);
    expect(errors).toEqual(['checker throwing failed: no idea']);
  });
});

const source = join(packageRoot, 'rig/apply-checkers.ts');
const compiled = join(packageRoot, 'dist/rig/apply-checkers.js');
const isCompiled = existsSync(compiled) && statSync(compiled).mtimeMs >= statSync(source).mtimeMs;
const isSkipped = !isCompiled && process.env['CI'] === undefined;
if (isSkipped) process.stderr.write('skipped: judging in threads needs the compiled program; run `npm run build`\n');

describe.skipIf(isSkipped)('applyCheckers, compiled', () => {
  let apply: typeof applyCheckers;
  beforeAll(async () => {
    const module = (await import(pathToFileURL(compiled).href)) as { readonly applyCheckers: typeof applyCheckers };
    apply = module.applyCheckers;
  });

  it.each([
    [-1, 'valid'],
    [25_001, 'invalid'],
  ])('judges a large history in threads as it would here: operation %i is wrong, %s', async (flaw, validity) => {
    const history = writesAndReads(30_000, flaw);
    const said: string[] = [];
    const { verdicts, errors } = await apply(history, [linearizable(register) as Checker, content], {
      timeoutMs: 20_000,
      progress: (message) => said.push(message),
    });
    expect(errors).toEqual([]);
    expect(verdicts[0]).toEqual(
      await linearizable(register).check(history as never, { exhausted: () => false, reason: () => '' }),
    );
    expect(verdicts.map((verdict) => verdict.validity)).toEqual([validity, 'valid']);
    expect(said).toEqual(['linearizable(register) judges 30000 operations', 'content judges 30000 operations']);
  });

  it('stops judging when it is told to, which makes an unknown', async () => {
    const { verdicts, errors } = await apply(writesAndReads(30_000), [linearizable(register) as Checker], {
      timeoutMs: 20_000,
      signal: AbortSignal.abort('SIGINT'),
    });
    expect(verdicts).toMatchObject([{ validity: 'unknown', summary: 'stopped before it came to a verdict' }]);
    expect(errors).toEqual([]);
  });
});
