/** What a person is told when something could not be undone: exit code 4, what it is, and commands that do it. */

import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { afterAll, describe, expect, it } from 'vitest';
import { COPY_THESE, LeftBehind, ordersFor, takeAllSteps, withoutOrders } from './left-behind.ts';
import { describeWith } from './needs.ts';
import { packageRoot } from './package-root.ts';

describe('what is left behind', () => {
  const fails = (what: string, byHand: string) => async () => {
    throw new LeftBehind(what, byHand);
  };

  it('is told of every step that failed, after all of them were taken', async () => {
    const taken: string[] = [];
    const works = async () => [String(taken.push('works'))];
    await expect(takeAllSteps([fails('a stays', 'rm a'), works, fails('b\nstays', 'rm b')])).rejects.toThrow(
      'a stays; by hand: rm a\nb stays; by hand: rm b',
    );
    expect(taken).toEqual(['works']);
    expect(await takeAllSteps([works, works])).toEqual(['2', '3']);
  });

  it('becomes lines to copy, the same command once', () => {
    const left = 'a stays; by hand: rm a\nb stays; by hand: rm a\nthe engine does not answer';
    const { problems, commands } = ordersFor('ordeal heal 1a2b3c4d', left, false);
    expect(problems).toEqual(['a stays', 'b stays', 'the engine does not answer']);
    expect(commands.map((command) => command.replace(/ +#/, ' #'))).toEqual([
      'ordeal heal 1a2b3c4d # tries everything again',
      'rm a # by hand, if that says the same',
      'ordeal heal 1a2b3c4d # until it no longer says "not healed"',
    ]);
    expect(withoutOrders(left)).toBe('a stays; b stays; the engine does not answer');
  });
});

describeWith(['root'], 'a run whose limits of a node cannot be taken back', () => {
  const store = mkdtempSync(join(tmpdir(), 'ordeal-left-'));
  const stranger = execa('sleep', ['300'], { reject: false });
  const ordeal = (...words: string[]) =>
    execa(process.execPath, [join(packageRoot, 'rig', 'ordeal.mjs'), ...words], {
      reject: false,
      env: { ORDEAL_STORE: store, NO_COLOR: '1', FORCE_COLOR: undefined },
    });
  const commandsIn = (text: string) => {
    const lines = text.split('\n').map((line) => line.trim());
    return lines.slice(lines.indexOf(COPY_THESE) + 1).filter((line) => line.includes(' # '));
  };

  afterAll(async () => {
    stranger.kill();
    await stranger;
    rmSync(store, { recursive: true });
  });

  it('ends with 4, and what it prints undoes them', { timeout: 120_000 }, async () => {
    const limits = ['--nemesis', 'processor-shortage', '--time-limit', '2s', '--calm', '500ms..1s'];
    const running = ordeal('run', '--cluster', 'ledger', '--host', 'loopback', '--seed', '1', ...limits);
    await new Promise<void>((resolve) => {
      running.stderr?.on('data', (data) => String(data).includes('warming up') && resolve());
    });
    const { id } = JSON.parse(readFileSync(join(store, 'latest', 'spec.json'), 'utf8')) as { id: string };
    const group = ['cpu/', ''].map((root) => `/sys/fs/cgroup/${root}ordeal-${id}-n1`).find((one) => existsSync(one));
    writeFileSync(`${group}/cgroup.procs`, String(stranger.pid));

    const { stdout, exitCode } = await running;
    expect(exitCode).toBe(4);
    expect(stdout).toContain(`${group}, which may be limited, has processes of somebody else in it: ${stranger.pid}`);
    const [heal, byHand] = commandsIn(stdout);
    expect(heal).toMatch(new RegExp(`^ordeal heal ${id} `));

    const again = await ordeal('heal', id);
    expect(again.exitCode).toBe(4);
    expect(again.stderr).toContain(`not healed: the control group ${group}`);
    expect(commandsIn(again.stderr)[0]?.split('  #')[0]).toBe(byHand?.split('  #')[0]);

    await execa('bash', ['-c', String(byHand)]);
    expect((await ordeal('heal', id)).exitCode).toBe(0);
    expect(existsSync(String(group))).toBe(false);
    expect(stranger.exitCode ?? null).toBe(null);
  });
});
