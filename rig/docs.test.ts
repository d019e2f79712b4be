/** The pages of `docs/` that walk through something say what is true: their files are written, their commands run. */

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { packageRoot } from './package-root.ts';

const PAGE = readFileSync(join(packageRoot, 'docs', 'writing-a-nemesis.md'), 'utf8');

/** In the order of the page: a file to write, or a command to run. */
type Step = { readonly file: string; readonly text: string } | { readonly command: string };

const steps = [...PAGE.matchAll(/^```(ts|sh)\n([^]*?)^```$/gm)].flatMap(([, language, text = '']): Step[] => {
  if (language === 'ts') return [{ file: /^\/\/ (\S+)\n/.exec(text)?.[1] ?? '', text }];
  return text
    .trim()
    .split('\n')
    .map((command) => ({ command }));
});

describe('docs/writing-a-nemesis.md', () => {
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
    expect(steps.filter((step) => 'file' in step).map((step) => 'file' in step && step.file)).toEqual([
      'slow-node.ts',
      'deaf-leader.ts',
      'busy-counter.ts',
      'ordeal.config.ts',
    ]);
    expect(steps.filter((step) => 'command' in step).length).toBeGreaterThan(5);
  });

  it('shows the file that `nemesis new` writes', async () => {
    await ordeal('npx ordeal nemesis new slow-node');
    const shown = steps.find((step) => 'file' in step && step.file === 'slow-node.ts');
    expect(`// slow-node.ts\n${readFileSync(join(folder, 'slow-node.ts'), 'utf8')}`).toBe(
      shown && 'text' in shown && shown.text,
    );
    rmSync(join(folder, 'slow-node.ts'));
  });

  it('can be followed from the top to the bottom', { timeout: 180_000 }, async () => {
    for (const step of steps) {
      if ('file' in step) {
        writeFileSync(join(folder, step.file), step.text);
        continue;
      }
      const { exitCode, all } = await ordeal(step.command);
      expect(exitCode, `${step.command}\n${all}`).toBe(0);
    }
  });
});
