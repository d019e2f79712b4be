/** `ordeal plan`, runs that follow a plan, and `ordeal nemesis`, as a person meets them. */

import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { RunHeader } from './contract.ts';
import { describeWith } from './needs.ts';
import { packageRoot } from './package-root.ts';
import type { Plan } from './plan.ts';
import { makePlan, prepare } from './prepare.ts';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'ordeal-plan-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

const ordealWithin = (timeout: number, ...words: string[]) =>
  execa(process.execPath, [join(packageRoot, 'rig', 'ordeal.mjs'), ...words], {
    cwd: folder,
    reject: false,
    env: { NO_COLOR: '1', FORCE_COLOR: undefined, ORDEAL_STORE: undefined },
    timeout,
  });
const ordeal = (...words: string[]) => ordealWithin(60_000, ...words);
const base = ['--cluster', 'memory', '--workload', 'register', '--time-limit', '20s', '--seed', '3'];
const settings = { cluster: 'memory', workload: 'register', timeLimit: '20s', seed: '3' };
const readPlan = () => JSON.parse(readFileSync(join(folder, 'plan.json'), 'utf8')) as Plan;
const write = (name: string, text: string) => writeFileSync(join(folder, name), text);

const nemesis = (parts: string) => `import { defineNemesis } from 'ordeal';
export default { ...defineNemesis({ name: 'mine', summary: 'Mine.', controls: ['processes'],
  choose: ({ rng, nodes }) => ({ node: rng.pick(nodes) }),
  inject: ({ node }, { processes }) => processes.pause([node]),
  describe: ({ node }) => node + ' is paused' }), ${parts} };`;

describe('ordeal plan', { timeout: 60_000 }, () => {
  it('tells every fault, how many nodes are down at once and how it is undone, and makes no run', async () => {
    const { stdout, exitCode } = await ordeal('plan', ...base);
    expect(exitCode).toBe(0);
    expect(stdout).toMatch(/ s {2,}\d\.\d s {2}n\d.* (is|are) (killed|paused) \((kill|pause)-1/);
    expect(stdout).toMatch(/At most [12] of 5 nodes are down at once \(.*\): a minority or less\./);
    expect(stdout).toContain('undone by');
    expect(existsSync(join(folder, '.ordeal'))).toBe(false);
  });

  it('writes a file that a run follows, and again from the same command', async () => {
    await ordeal('plan', ...base, '-o', 'plan.json');
    const { exitCode, stderr } = await ordeal('run', 'plan.json', '--seed', '3', '--quiet');
    expect(exitCode, stderr).toBe(0);
    const { spec, command } = JSON.parse(readFileSync(join(folder, '.ordeal/latest/spec.json'), 'utf8')) as RunHeader;
    expect(spec.plan).toEqual(readPlan().spec.plan);
    expect(command).toBe('ordeal run plan.json');
  });

  it.each([
    [{ seed: '4' }, /is a plan for seed 3, not 4/],
    [{ nodes: '3' }, /is a plan for nodes 5, not 3/],
    [{ cluster: 'etcd' }, /is a plan for cluster memory, not etcd/],
    [{ rate: '10' }, /is a plan, which decides everything: leave out rate/],
  ])('makes a plan that %j is refused beside', async (flags, message) => {
    write('made.json', JSON.stringify(await makePlan(await prepare(null, settings))));
    const file = join(folder, 'made.json');
    await expect(prepare(file, flags)).rejects.toThrow(message);
    expect(await prepare(file, { seed: '3', quiet: true })).toMatchObject({ seed: 3, nodeCount: 5 });
  });

  it('refuses a plan that is broken or for other nodes', async () => {
    const plan = await makePlan(await prepare(null, settings));
    write('other.json', JSON.stringify({ ...plan, nodes: ['n1'], parties: ['n1', 'clients'] }));
    await expect(prepare(join(folder, 'other.json'), {})).rejects.toThrow(
      /was made for n1, clients; the cluster now has n1, n2/,
    );
    write('broken.json', JSON.stringify({ ...plan, spec: { ...plan.spec, plan: [{ hold: 'x' }] } }));
    await expect(prepare(join(folder, 'broken.json'), {})).rejects.toThrow(
      /broken\.json is not a plan: spec\.plan\.0 must have/,
    );
  });

  it.each([
    [{ nemesis: 'kill-all' }, /nemesis kill-all could do nothing in this run: .*--beyond-quorum allows it/],
    [{ nemesis: 'split-brain,rolling-restart' }, /are both presets, each with its own rhythm/],
    [{ fault: '1s..2m' }, /fault lasts up to 120s, and no fault may last longer than 60s/],
    [{ abortWhen: 'errors' }, /"errors" is no condition to abort when/],
    [{ stopFile: '/dev/null' }, /the stop file \/dev\/null is there already/],
    [
      { nemesis: 'partition-until-snapshot' },
      /needs to see the state snapshot-needed, of which cluster memory does not tell \(it tells of election, far-behind\)/,
    ],
    [{ nemesis: './none.ts' }, /there is no file .*none\.ts with a nemesis/],
  ])('refuses %j with a sentence', async (flags, message) => {
    const plan = async () => makePlan(await prepare(null, { ...settings, ...flags }));
    await expect(plan()).rejects.toThrow(message);
  });

  it('goes on without what is unavailable if it is told to, and says why', async () => {
    write(
      'lame.ts',
      `import { memory } from ${JSON.stringify(join(packageRoot, 'clusters/memory/memory.ts'))};
       export default { ...memory, name: 'lame', controls: ['network'] };`,
    );
    const flags = { ...settings, cluster: join(folder, 'lame.ts'), nemesis: 'kill,partition' };
    await expect(prepare(null, flags)).rejects.toThrow(
      /nemesis kill needs the processes control, which cluster lame lacks/,
    );
    expect((await prepare(null, { ...flags, skipUnavailable: true })).nemeses).toEqual(['partition']);
  });
});

describe('ordeal nemesis', { timeout: 90_000 }, () => {
  it('new does not overwrite anything', async () => {
    write('there.ts', 'mine');
    expect((await ordeal('nemesis', 'new', 'there')).stderr).toContain(
      'there.ts is there already; it is left as it is',
    );
    expect(readFileSync(join(folder, 'there.ts'), 'utf8')).toBe('mine');
    expect((await ordeal('nemesis', 'new', 'Kill It')).stderr).toContain('is no name for a nemesis');
    expect((await ordeal('nemesis', 'new', 'kill')).stderr).toContain('a nemesis called "kill" is there already');
  });

  it('test says which promise is broken', async () => {
    write('broken.ts', nemesis(`inject: async () => {}`));
    const { exitCode, stdout } = await ordeal('nemesis', 'test', './broken.ts');
    expect(stdout).toMatch(/✔ chooses what survives JSON unchanged/);
    expect(stdout).toMatch(/✘ asks its controls.*\n.*inject asked nothing of processes/);
    expect(exitCode).toBe(1);
  });

  it('try says when a fault does nothing', async () => {
    write('idle.ts', nemesis(`inject: async () => {}`));
    const { exitCode, stdout } = await ordeal('nemesis', 'try', './idle.ts', '--quiet');
    expect(stdout).toMatch(/✘ "n\d is paused" had no effect/);
    expect(exitCode).toBe(1);
  });

  it.each([
    ['throws', `inject() { throw new Error('no luck'); }`, /nemesis mine: no luck/],
    ['hangs', 'inject: () => new Promise(() => {})', /nemesis mine: nothing within 20 s/],
    ['names nobody', `inject: (_, { processes }) => processes.pause(['n9'])`, /n9, which is not there; there are n1/],
    [
      'throws halfway',
      `async inject({ node }, { processes }) { await processes.pause([node]); throw new Error('half'); }`,
      /nemesis mine: half/,
    ],
  ])('that %s ends a run with a sentence, with everything undone and the history kept', async (_, part, message) => {
    write('bad.ts', nemesis(part));
    const { exitCode, stdout, stderr } = await ordeal('run', ...base, '--nemesis', './bad.ts', '--quiet');
    expect(stdout + stderr).toMatch(message);
    expect(exitCode).toBe(3);
    const history = readFileSync(join(folder, '.ordeal/latest/history.jsonl'), 'utf8');
    expect(history).toContain('"action":"released"');
    expect(history).not.toContain('"action":"stuck"');
  });

  it.each([
    ['a circle', '{ const fault = {}; fault.self = fault; return fault; }', 64, /holds itself, which is not JSON/],
    ['a function', '{ return { how: () => 1 }; }', 64, /planned: the fault\.how is function, which is not JSON/],
    ['nothing', '{}', 64, /the fault is undefined, which is not JSON/],
    ['too much', '{ return "x".repeat(1e6); }', 64, /the fault is 1000002 characters of JSON; at most 65536/],
    ['to leave', '{ process.exit(0); }', 3, /ended in the middle of its work: something that it was given called proc/],
  ])('that chooses %s is refused before anything is touched', async (_, choose, code, message) => {
    write('bad.ts', nemesis(`choose() ${choose}`));
    const { exitCode, stderr } = await ordeal('run', ...base, '--nemesis', './bad.ts', '--quiet');
    expect(stderr).toMatch(message);
    expect(exitCode).toBe(code);
  });

  it('that throws later, where nobody can catch it, is named and everything undone', async () => {
    const late = `async inject({ node }, { processes }) { await processes.pause([node]); setTimeout(() => { throw new Error('late') }, 50); }`;
    write('late.ts', nemesis(late));
    const { exitCode, stderr } = await ordeal('run', ...base, '--nemesis', './late.ts', '--quiet');
    expect(stderr).toMatch(/a mistake in \.\/late\.ts: late; healing/);
    expect(exitCode).toBe(3);
  });

  it('that never stops choosing is ended, with a sentence', { timeout: 120_000 }, async () => {
    write('stuck.ts', nemesis('choose() { for (;;); }'));
    const { signal, stderr } = await ordealWithin(100_000, 'run', ...base, '--nemesis', './stuck.ts', '--quiet');
    expect(stderr).toMatch(/nothing but one function has run for 30 s/);
    expect(signal).toBe('SIGKILL');
  });
});

describeWith(['root', 'etcd'], 'ordeal nemesis test on netns', () => {
  it('strikes nodes there, and kills their rig', { timeout: 150_000 }, async () => {
    write('still.ts', nemesis(''));
    const words = ['nemesis', 'test', './still.ts', '--host', 'netns', '--seed', '1'];
    const { exitCode, stdout } = await ordealWithin(140_000, ...words);
    expect(stdout).toMatch(/✔ bites and lets go in 3 nodes of etcd on netns: /);
    expect(stdout).toMatch(/✔ leaves nothing there when the rig is killed after inject, injected, release/);
    expect(exitCode).toBe(0);
  });
});
