/** The command line as a person meets it: the compiled program, its output and its exit codes. */

import {
  mkdtempSync,
  readdirSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
  existsSync,
  readFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { packageRoot } from './package-root.ts';

let store: string;
beforeAll(() => {
  store = mkdtempSync(join(tmpdir(), 'ordeal-main-'));
});
afterAll(() => rmSync(store, { recursive: true }));

/** With what it is given to read, if anything. */
const ordealGiven = (input: string | undefined, ...words: string[]) =>
  execa(process.execPath, [join(packageRoot, 'rig', 'ordeal.mjs'), ...words], {
    reject: false,
    env: { ORDEAL_STORE: store, NO_COLOR: '1', FORCE_COLOR: undefined },
    timeout: 60_000,
    ...(input === undefined ? {} : { input }),
  });

const ordeal = (...words: string[]) => ordealGiven(undefined, ...words);

const memoryRun = (...words: string[]) =>
  ordeal('run', '--cluster', 'memory', '--workload', 'register', '--time-limit', '20s', ...words);

const latest = () => readFileSync(join(store, 'latest', 'spec.json'), 'utf8');

describe('ordeal', () => {
  it('prints help with examples and exit codes', async () => {
    const { stdout, exitCode } = await ordeal('--help');
    expect(exitCode).toBe(0);
    expect(stdout).toContain('ordeal run --cluster etcd');
    expect(stdout).toContain('a fault may still be active');
  });

  it.each([
    [['rnu'], /unknown command 'rnu'.*Did you mean run/s],
    [['run', '--cluster', 'etdc'], /no cluster is called "etdc"; there are etcd, ledger, .*memory/],
    [['run', '--nemesis', 'partiton'], /no nemesis is called "partiton"/],
    [['run', '--host', 'cloud'], /Allowed choices are auto, docker/],
    [['run', '--seed', 'x'], /seed is "x"; it must be integer/],
    [['run', 'missing.yaml'], /missing\.yaml cannot be read as a configuration/],
    [['check', 'nothing-like-it'], /no run and no file is called "nothing-like-it"/],
    [['export', 'nothing-like-it'], /no run and no file is called "nothing-like-it"/],
    [['report', 'nothing-like-it'], /no run is called "nothing-like-it"/],
    [['check', 'nothing/like.it', '--model', 'register'], /no run and no file is called "nothing\/like\.it"/],
    [['list', 'toys'], /there is no list of "toys"; there are clusters/],
    [['run', '--cluster', 'memory', '--store', '/proc/none'], /no folder for runs can be made at \/proc\/none/],
    [['heal'], /say which run to heal, or --all/],
    [['schema', 'x'], /there is no schema "x"; there are verdict, config, service/],
  ])('%j is bad usage: 64, a sentence, and nothing touched', async (words, message) => {
    const { stderr, exitCode } = await ordeal(...words);
    expect(stderr).toMatch(message);
    expect(exitCode).toBe(64);
    expect(existsSync(join(store, 'runs', 'etdc'))).toBe(false);
  });

  it('says when a history is invalid only by what a failed cas is taken for', async () => {
    const lines = (error: string, seen: number) =>
      [
        '{"process":0,"type":"invoke","f":"write","value":1}',
        '{"process":0,"type":"ok","f":"write","value":1}',
        '{"process":0,"type":"invoke","f":"cas","value":[1,2]}',
        `{"process":0,"type":"fail","f":"cas","value":[1,2]${error}}`,
        '{"process":0,"type":"invoke","f":"read"}',
        `{"process":0,"type":"ok","f":"read","value":${seen}}\n`,
      ].join('\n');
    const judged = (input: string) => ordealGiven(input, 'check', '-', '--model', 'cas-register');
    const hanging = await judged(lines('', 1));
    expect(hanging).toMatchObject({ exitCode: 1, stderr: expect.stringContaining('this history is valid') as string });
    expect((await judged(lines(',"error":"timeout"', 1))).exitCode).toBe(0);
    const broken = await judged(lines('', 7));
    expect(broken.exitCode).toBe(1);
    expect(broken.stderr).not.toContain('note:');
  });

  it('judges what comes through a pipe, and says where a page cannot be written', async () => {
    const event = (type: string, value: number | null) => `{:process 0, :type :${type}, :f :read, :value ${value}}\n`;
    const input = event('invoke', null) + event('ok', 7);
    const judged = await ordealGiven(input, 'check', '-', '--model', 'register');
    expect(judged).toMatchObject({ exitCode: 1, stdout: expect.stringContaining('cannot read 7') as string });
    expect((await ordealGiven(input.replace('7', 'null'), 'check', '-', '--model', 'register')).exitCode).toBe(0);
    const drawn = await ordealGiven(
      input,
      'check',
      '-',
      '--model',
      'register',
      '--report',
      join(store, 'no/page.html'),
    );
    expect(drawn).toMatchObject({
      exitCode: 64,
      stderr: expect.stringMatching(/--report .*page\.html cannot be written/),
    });
    expect((await ordealGiven(input, 'export', '-', '--format', 'jsonl')).stdout).toContain('"value":7');
  });

  it('runs a correct cluster to valid: 0, with a verdict, a report and a seed that repeats it', async () => {
    const { stdout, stderr, exitCode } = await memoryRun('--seed', '5');
    expect(stderr + stdout).toContain('seed 5');
    expect(stdout).toMatch(/valid/i);
    expect(exitCode).toBe(0);
    expect(readdirSync(join(store, 'latest'))).toEqual(
      expect.arrayContaining(['spec.json', 'history.jsonl', 'verdict.json', 'report.html']),
    );
    const history = readFileSync(join(store, 'latest', 'history.jsonl'), 'utf8');
    await memoryRun('--seed', '5');
    expect(readFileSync(join(store, 'latest', 'history.jsonl'), 'utf8')).toBe(history);
  });

  it('runs a broken cluster to invalid: 1, and judges and draws it again from its files', async () => {
    const first = await memoryRun('--bug', 'stale-read', '--seed', '1');
    expect(first.stdout).toMatch(/invalid/i);
    expect(first.exitCode).toBe(1);
    expect(latest()).toContain('stale-read');
    const directory = join(store, 'latest');
    rmSync(join(directory, 'verdict.json'));
    rmSync(join(directory, 'report.html'));
    expect((await ordeal('check', 'latest')).exitCode).toBe(1);
    expect((await ordeal('report', 'latest')).exitCode).toBe(0);
    expect(existsSync(join(directory, 'report.html'))).toBe(true);
  });

  it('judges a run whose last line is torn, and says so', async () => {
    await memoryRun('--seed', '6');
    const history = join(store, 'latest', 'history.jsonl');
    truncateSync(history, Math.floor(readFileSync(history).length * 0.7));
    const { stdout, stderr, exitCode } = await ordeal('check', 'latest');
    expect(stdout + stderr).toMatch(/torn|incomplete|killed/i);
    expect([0, 2]).toContain(exitCode);
  });

  it('refuses a hostile history with the line and what is wrong with it', async () => {
    await memoryRun('--seed', '7');
    writeFileSync(join(store, 'latest', 'history.jsonl'), '{"index":0,"timeNs":0,"type":"invoke","process":"<b>"}\n');
    const { stderr, exitCode } = await ordeal('check', 'latest');
    expect(stderr).toMatch(/line 1/);
    expect(exitCode).toBe(64);
  });

  it('lists what there is, runs among them', async () => {
    const { stdout, exitCode } = await ordeal('list');
    expect(exitCode).toBe(0);
    for (const word of ['etcd:stale-reads', 'register', 'partition', 'linearizable', 'memory', 'exactly-once'])
      expect(stdout).toContain(word);
  });

  it('ends an interrupted run healed and judged: 130', async () => {
    const running = ordeal(
      'run',
      '--cluster',
      'ledger',
      '--host',
      'loopback',
      '--time-limit',
      '60s',
      '--nemesis',
      'pause',
    );
    await new Promise<void>((resolve) => {
      running.stderr?.on('data', (data) => String(data).includes('fault') && resolve());
    });
    running.kill('SIGINT');
    const { stdout, exitCode } = await running;
    expect(stdout).toMatch(/interrupted/i);
    expect(exitCode).toBe(130);
    const { id } = JSON.parse(latest()) as { id: string };
    const { stdout: healing } = await ordeal('heal', id);
    expect(healing).toContain('nothing was left behind');
  }, 60_000);

  it('comes to its end though nobody listens to it any more', async () => {
    const run = memoryRun('--seed', '7');
    run.stderr?.destroy();
    run.stdout?.destroy();
    const { exitCode } = await run;
    expect(exitCode).toBe(0);
    const verdict = JSON.parse(readFileSync(join(store, 'latest', 'verdict.json'), 'utf8')) as object;
    expect(verdict).toMatchObject({ validity: 'valid', ending: 'complete' });
  });

  it('heals after a rig that was killed, not while it is going, and judges what was recorded', async () => {
    const running = ordeal(
      'run',
      '--cluster',
      'ledger',
      '--host',
      'loopback',
      '--time-limit',
      '60s',
      '--nemesis',
      'partition',
    );
    await new Promise<void>((resolve) => {
      running.stderr?.on('data', (data) => String(data).includes('fault') && resolve());
    });
    const { id } = JSON.parse(latest()) as { id: string };
    const refused = await ordeal('heal', id);
    expect(refused.stderr).toContain(`run ${id} is still going`);
    expect(refused.exitCode).toBe(64);
    running.kill('SIGKILL');
    await running;
    expect((await ordeal('heal', id)).exitCode).toBe(0);
    expect((await ordeal('heal', id)).stdout).toContain('nothing was left behind');
    const judged = await ordeal('check', id);
    expect(judged.stdout).toMatch(/killed/i);
    expect(judged.exitCode).toBe(2);
    expect((await ordeal('report', id)).exitCode).toBe(0);
  }, 60_000);

  it('is the bin of its package, also through a link', async () => {
    const link = join(store, 'ordeal');
    symlinkSync(join(packageRoot, 'rig', 'ordeal.mjs'), link);
    const { stdout } = await execa(process.execPath, [link, '--version']);
    expect(stdout).toMatch(/^\d+\.\d+\.\d+$/);
  });
});
