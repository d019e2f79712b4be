/** The pages of `docs/` that walk through something say what is true: their files are written, their commands run. */

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { packageRoot } from './package-root.ts';

/** In the order of the page: a file to write, or a command to run. */
type Step = { readonly file: string; readonly text: string } | { readonly command: string };

const pages = {
  'writing-a-nemesis.md': ['slow-node.ts', 'deaf-leader.ts', 'left-behind.ts', 'busy-counter.ts', 'ordeal.config.ts'],
  'writing-a-workload.md': ['busy-keys.ts', 'nothing-invented.ts'],
};

function stepsOf(page: string): readonly Step[] {
  const text = readFileSync(join(packageRoot, 'docs', page), 'utf8');
  return [...text.matchAll(/^```(ts|sh)\n([^]*?)^```$/gm)].flatMap(([, language, body = '']): Step[] => {
    if (language === 'ts') return [{ file: /^\/\/ (\S+)\n/.exec(body)?.[1] ?? '', text: body }];
    return body
      .trim()
      .split('\n')
      .map((command) => ({ command }));
  });
}

describe.each(Object.entries(pages))('docs/%s', (page, files) => {
  const steps = stepsOf(page);
  let folder: string;
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'ordeal-docs-'));
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  const ordeal = (command: string) =>
    execa(
      process.execPath,
      [join(packageRoot, 'rig', 'ordeal.mjs'), ...command.replace(/^npx ordeal /, '').split(' ')],
      {
        cwd: folder,
        reject: false,
        all: true,
        env: { NO_COLOR: '1', FORCE_COLOR: undefined, ORDEAL_STORE: undefined },
        timeout: 120_000,
      },
    );

  it('has files and commands', () => {
    expect(steps.flatMap((step) => ('file' in step ? [step.file] : []))).toEqual(files);
    expect(steps.filter((step) => 'command' in step).length).toBeGreaterThan(5);
  });

  it('can be followed from the top to the bottom, and shows the files that `new` writes', {
    timeout: 300_000,
  }, async () => {
    const written = new Map<string, string>();
    for (const step of steps) {
      if ('file' in step) {
        const file = join(folder, step.file);
        if (written.has(step.file)) expect(`// ${step.file}\n${written.get(step.file)}`).toBe(step.text);
        writeFileSync(file, step.text);
        continue;
      }
      const { exitCode, all } = await ordeal(step.command);
      expect(exitCode, `${step.command}\n${all}`).toBe(0);
      const [, made] = / new (\S+)$/.exec(step.command) ?? [];
      if (made) written.set(`${made}.ts`, readFileSync(join(folder, `${made}.ts`), 'utf8'));
    }
    expect(written.size).toBeGreaterThan(0);
  });
});
