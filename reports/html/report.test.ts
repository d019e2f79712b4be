import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { RunRecord } from '../../rig/contract.ts';
import { packageRoot } from '../../rig/package-root.ts';
import { verdictSchema } from '../../rig/verdict-schema.ts';
import * as samples from '../samples/index.ts';
import { html } from './report.ts';
import type { EmbeddedOperations } from './timeline.ts';

const { duplicateRun, failedRun, hostileRun, interruptedRun, invalidRun, unknownRun, validRun } = samples;
let directory = '';

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'ordeal-report-'));
});

afterAll(() => rm(directory, { recursive: true, force: true }));

async function drawn(make: (directory: string) => RunRecord): Promise<string> {
  await html.write(make(directory));
  return readFile(join(directory, 'report.html'), 'utf8');
}

const operationsIn = (page: string): EmbeddedOperations => {
  const packed = /id="operations">([^<]*)</.exec(page)?.[1] ?? '';
  return JSON.parse(gunzipSync(Buffer.from(packed, 'base64')).toString()) as EmbeddedOperations;
};

describe('report.html', () => {
  it('is the only file written', async () => {
    expect(await html.write(unknownRun(directory))).toEqual(['report.html']);
    expect(await readdir(directory)).toEqual(['report.html']);
  });

  it('carries the hash of its one script and one style sheet in its policy, and nothing inline besides', async () => {
    const page = await drawn(invalidRun);
    const policy = /Content-Security-Policy" content="([^"]*)"/.exec(page)?.[1] ?? '';
    const scripts = [...page.matchAll(/<script>([\s\S]*?)<\/script>/g)].map((match) => match[1] as string);
    const styles = [...page.matchAll(/<style>([\s\S]*?)<\/style>/g)].map((match) => match[1] as string);
    const hash = (text: string) => `sha256-${createHash('sha256').update(text).digest('base64')}`;
    expect([scripts.length, styles.length]).toEqual([1, 1]);
    expect(policy.replaceAll('&#39;', "'")).toContain(`script-src '${hash(scripts[0] ?? '')}'`);
    expect(policy.replaceAll('&#39;', "'")).toContain(`style-src '${hash(styles[0] ?? '')}'`);
    expect(policy.replaceAll('&#39;', "'")).toMatch(/^default-src 'none'/);
    expect(page).not.toMatch(/ style="| on\w+="|javascript:/);
  });

  it('refers to nothing outside its own folder', async () => {
    const page = await drawn(invalidRun);
    const links = [...page.matchAll(/(?:href|src)="([^"]*)"/g)].map((match) => match[1] as string);
    expect(links.filter((link) => !/^(#|data:|nodes\/$|(spec|verdict)\.json$|history\.jsonl$)/.test(link))).toEqual([]);
  });

  it.each([
    ['✓ VALID', (at: string) => validRun(at, 500)],
    ['✗ INVALID', invalidRun],
    ['✗ INVALID', duplicateRun],
    ['? UNKNOWN', unknownRun],
    ['‖ INTERRUPTED', interruptedRun],
    ['! FAILED', failedRun],
  ] as const)('says %s in its title', async (title, make) => {
    expect(await drawn(make)).toContain(`<title>${title} · `);
  });

  it('has no chart, timeline or fault to show for a run that never began, and says why', async () => {
    const page = await drawn(failedRun);
    expect(page).toContain('the cluster did not come up within 60 s: n2 answers 503');
    expect(page).toContain('No operation was recorded.');
    expect(page).not.toContain('could not be drawn');
  });

  it('draws every part of every sample', async () => {
    for (const make of [invalidRun, duplicateRun, unknownRun, interruptedRun, hostileRun])
      expect(await drawn(make)).not.toContain('could not be drawn');
  });
});

it('the scripts of the page are type-correct', () => {
  const compiler = join(packageRoot, 'node_modules', 'typescript', 'bin', 'tsc');
  execFileSync(process.execPath, [compiler, '-p', join(packageRoot, 'reports', 'html', 'browser')]);
});

describe('a chart that cannot be drawn', () => {
  it('becomes a sentence, and the rest of the page stands', async () => {
    const run = invalidRun(directory);
    const broken = {
      ...run.verdict.faults[0],
      get sentence(): string {
        throw new Error('no sentence');
      },
    };
    const page = await drawn(() => ({ ...run, verdict: { ...run.verdict, faults: [broken as never] } }));
    expect(page).toContain('This part could not be drawn: Error: no sentence');
    expect(page).toContain('What went wrong');
    expect(page).toContain('id="chart-latency"');
  });
});

describe('100,000 operations', () => {
  let page = '';

  beforeAll(async () => {
    page = await drawn(validRun);
  });

  it('fit in less than 2 MB, all of them', () => {
    expect(Buffer.byteLength(page)).toBeLessThan(2_000_000);
    expect(operationsIn(page).index).toHaveLength(100_000);
    expect(page).not.toContain('Drawn here:');
  });
});

describe('a history too large for the page', () => {
  it('is cut down to what lies around findings and fault edges, and the page says so', async () => {
    const run = validRun(directory, 260_000);
    const page = await drawn(() => run);
    const kept = operationsIn(page);
    expect(Buffer.byteLength(page)).toBeLessThan(2_000_000);
    expect(page).toMatch(/Drawn here: [\d,]+ of 260,000 operations/);
    const times = kept.invoked.map(
      (
        (sum) => (value: number) =>
          (sum += value)
      )(0),
    );
    const edge = (run.verdict.faults[0]?.injectedNs ?? 0) / 1000;
    expect(times.filter((time) => Math.abs(time - edge) < 500_000).length).toBeGreaterThan(3000);
  }, 60_000);
});

describe('hostile strings', () => {
  it('stay text: no element, attribute or script of theirs is in the page', async () => {
    const page = await drawn(hostileRun);
    expect(page).not.toContain('<img');
    expect(page).not.toContain('<script>window');
    expect(page.match(/<\/script>/g)).toHaveLength(3);
    expect(page.replaceAll('\n', '')).not.toMatch(/[\p{Cc}\p{Cf}]/u);
    expect(Buffer.byteLength(page)).toBeLessThan(400_000);
  });
});

describe('the verdict of every sample', () => {
  const accepts = new Ajv2020({ strict: false }).compile(verdictSchema);
  const makers = Object.values(samples).filter((sample) => typeof sample === 'function');

  it.each(makers.map((make) => [make.name, make] as const))('%s agrees with the schema', (_, make) => {
    const { verdict } = make === validRun ? validRun(directory, 500) : make(directory);
    accepts(JSON.parse(JSON.stringify(verdict)));
    expect(accepts.errors).toBeNull();
  });
});
