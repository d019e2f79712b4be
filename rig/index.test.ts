import { mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { expect, it } from 'vitest';
import { packageRoot } from './package-root.ts';

it('is a library as docs/models.md shows it, in a folder of its own', async () => {
  const page = readFileSync(join(packageRoot, 'docs', 'models.md'), 'utf8');
  const [, section = ''] = page.split('## As a library');
  const [, script = ''] = /```ts\n([^]*?)```/.exec(section) ?? [];
  const folder = mkdtempSync(join(tmpdir(), 'ordeal-library-'));
  try {
    symlinkSync(join(packageRoot, 'node_modules'), join(folder, 'node_modules'));
    writeFileSync(join(folder, 'script.mjs'), script);
    const events = [
      '{:process 0 :type :invoke :f :write :value 1}',
      '{:process 0 :type :ok :f :write :value 1}',
      '{:process 1 :type :invoke :f :read :value nil}',
    ];
    const judged = async (seen: string) => {
      writeFileSync(
        join(folder, 'history.edn'),
        [...events, `{:process 1 :type :ok :f :read :value ${seen}}`].join('\n'),
      );
      return (await execa(process.execPath, ['script.mjs'], { cwd: folder })).stdout.split('\n');
    };
    expect(await judged('1')).toEqual(['valid 2 operations have a legal order []', 'invalid']);
    expect((await judged('2'))[0]).toMatch(/^invalid no legal order exists: operation 2 cannot be placed/);
  } finally {
    rmSync(folder, { recursive: true });
  }
});
