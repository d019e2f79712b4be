/** `docs/explanations.md` shows what the terminal shows. */

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { budgetOf } from '../rig/budget.ts';
import { readAnyHistory } from '../rig/formats.ts';
import { packageRoot } from '../rig/package-root.ts';
import { checkerBy, findings, findingsPage, linearizableBy } from '../rig/rooms.ts';

const page = readFileSync(join(packageRoot, 'docs', 'explanations.md'), 'utf8');
const examples = [
  ...page.matchAll(/^```sh\nnpx ordeal check (\S+) --(model|checker) (\S+)\n```\n```text\n([^]*?)\n```$/gm),
];

describe('docs/explanations.md', () => {
  it('has five examples', () => expect(examples.length).toBe(5));

  it.each(examples.map(([, file = '', by = '', name = '', said = '']) => ({ file, by, name, said })))(
    'says of $file what the terminal says, and the page draws it',
    { timeout: 60_000 },
    async ({ file, by, name, said }) => {
      const { history } = await readAnyHistory(join(packageRoot, file));
      const checker = by === 'model' ? linearizableBy(name) : checkerBy(name);
      const verdict = await checker.check(history, budgetOf(60_000));
      expect(verdict.validity).toBe('invalid');
      const text = findings([verdict], history, { colour: false });
      expect(text.replace(/ +$/gm, '')).toBe(said);
      expect(text.split('\n').length).toBeLessThanOrEqual(22);
      const drawn = await findingsPage(file, history, [verdict]);
      expect(drawn).toContain('What went wrong');
      expect(drawn).toContain('class="time-boxes"');
      expect(drawn).not.toContain('could not be drawn');
    },
  );
});
