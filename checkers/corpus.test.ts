/** Stored histories get their verdicts: those beside the checkout with known verdicts, and those in this folder. */

import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import type { Json } from '../rig/contract.ts';
import { eventList, readAnyHistory } from '../rig/formats.ts';
import { linearizable } from './linearizable.ts';
import { type AnyModel, models } from './models/index.ts';

const patient = { exhausted: () => false, reason: () => 'nothing' };
const shared = new URL('../../shared/histories/', import.meta.url);
const isThere = existsSync(shared);
if (!isThere) console.warn('SKIPPED: the outside histories, since ../shared/histories is not beside the checkout');

const judge = (model: AnyModel, path: string) =>
  readAnyHistory(path).then(({ history }) => linearizable(model).check(history, patient));

describe('stored histories', () => {
  const folder = new URL('corpus/', import.meta.url);
  const files = ['valid', 'invalid'].flatMap((validity) =>
    readdirSync(new URL(`${validity}/`, folder)).map((file) => [`${validity}/${file}`, validity] as const),
  );

  it.each(files)('%s is %s', async (file, validity) => {
    const name = file.split('.')[1] ?? '';
    const verdict = await judge(models[name] as AnyModel, new URL(file, folder).pathname);
    expect(verdict.validity, verdict.summary).toBe(validity);
  });
});

describe.skipIf(!isThere)('outside histories with known verdicts', () => {
  const rows = isThere
    ? readFileSync(new URL('expected.tsv', shared), 'utf8')
        .trim()
        .split('\n')
        .slice(1)
        .map((line) => line.split('\t') as [string, string, string])
        .filter(([, model]) => model in models)
    : [];

  it.each(rows)('%s by %s is %s', async (file, model, validity) => {
    const verdict = await judge(models[model] as AnyModel, new URL(file, shared).pathname);
    expect(verdict.validity, verdict.summary).toBe(validity);
  });

  it('6,000 random register histories get the verdict that Porcupine gave them', { timeout: 120_000 }, async () => {
    const wrong: string[] = [];
    const lines = gunzipSync(readFileSync(new URL('register-golden.jsonl.gz', shared)))
      .toString()
      .trim()
      .split('\n');
    for (const line of lines) {
      const golden = JSON.parse(line) as { readonly verdict: string } & Record<string, Json>;
      const verdict = await linearizable(models['cas-register'] as AnyModel).check(await eventList(golden), patient);
      if (verdict.validity !== golden.verdict) wrong.push(`${golden.verdict}, not ${verdict.validity}: ${line}`);
    }
    expect(lines).toHaveLength(6000);
    expect(wrong).toEqual([]);
  });
});
