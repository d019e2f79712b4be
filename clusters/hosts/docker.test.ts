/** The driver `docker`: what it says when there is no engine or an image does not build, and that it sweeps by label alone. */

import { execFileSync } from 'node:child_process';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { describeWith } from '../../rig/needs.ts';
import { docker } from './docker.ts';
import type { Impairment } from './impairment.ts';
import type { LabPlan } from './host.ts';

/** Everything that these send is dropped. */
const dropped = (senders: readonly string[]): Impairment[] => senders.map((from) => ({ from, do: 'drop' }));

const runId = '5e1f0005';

let directory: string;
const said: string[] = [];
beforeEach(async () => {
  said.length = 0;
  directory = await mkdtemp(path.join(tmpdir(), 'ordeal-docker-'));
});
afterEach(() => rm(directory, { recursive: true, force: true }));

async function planOf(dockerfile: string, signal = AbortSignal.timeout(60_000)): Promise<LabPlan> {
  const folder = path.join(directory, 'image');
  await mkdir(folder, { recursive: true });
  await writeFile(path.join(folder, 'Dockerfile'), dockerfile);
  const image = { name: 'docker-test', directory: folder };
  return {
    runId,
    system: 'trial',
    nodes: [{ id: 'n1', ports: [7000], image }],
    directory,
    progress: (message) => said.push(message),
    signal,
  };
}

describe('the host docker without an engine', () => {
  const before = process.env['DOCKER_HOST'];
  beforeEach(() => {
    process.env['DOCKER_HOST'] = 'unix:///nonexistent/docker.sock';
  });
  afterEach(() => {
    if (before === undefined) delete process.env['DOCKER_HOST'];
    else process.env['DOCKER_HOST'] = before;
  });

  it('says what it tried and what to do', async () => {
    const opening = docker.open(await planOf('FROM scratch'));
    await expect(opening).rejects.toThrow(
      /no Docker engine answers \(DOCKER_HOST=unix:[^)]*ENOENT[^)]*\).*\.ci\/engine/,
    );
    expect(await docker.probe()).toMatchObject([{ name: 'engine', available: false, needed: true }]);
    expect(await docker.sweep(runId)).toEqual([]);
  });
});

describeWith(['docker'], 'the host docker', () => {
  const count = (...command: string[]) =>
    execFileSync('docker', command, { encoding: 'utf8' }).split('\n').filter(Boolean).length;
  const labelled = ['-q', '--filter', `label=ordeal.run=${runId}`];
  const left = () => count('ps', '-a', ...labelled) + count('network', 'ls', ...labelled);
  const images = () => count('images', '-q', '--filter', 'reference=ordeal/docker-test');

  afterEach(() => {
    const tags = execFileSync('docker', ['images', '-q', '--filter', 'reference=ordeal/docker-test'], {
      encoding: 'utf8',
    });
    for (const tag of tags.split('\n').filter(Boolean)) execFileSync('docker', ['rmi', '--force', tag]);
  });

  it('says at which step an image failed to build, and what was said there', async () => {
    const plan = await planOf('FROM debian:bookworm-slim\nRUN echo the disk is made of cheese && exit 7\n');
    const opening = docker.open(plan);
    await expect(opening).rejects.toThrow(
      /failed to build at step 2 of 3, RUN echo[^]*returned a non-zero code: 7[^]*made of cheese/,
    );
    expect([left(), images()]).toEqual([0, 0]);
  });

  it('says what to do when there is no base image', async () => {
    const opening = docker.open(await planOf('FROM localhost:1/no-such-image:none\n'));
    await expect(opening).rejects.toThrow(/failed to build at step 1 of 2, FROM localhost:1[^]*\.ci\/engine/);
    expect(left()).toBe(0);
  });

  it('stops building when the time is over', async () => {
    const plan = await planOf('FROM debian:bookworm-slim\nRUN sleep 600\n', AbortSignal.timeout(2_000));
    await expect(docker.open(plan)).rejects.toThrow(/was not built in time; it stood at step 2 of 3, RUN sleep 600/);
    expect([left(), images()]).toEqual([0, 0]);
    await expect
      .poll(() => execFileSync('ps', ['-eo', 'args'], { encoding: 'utf8' }), { timeout: 10_000 })
      .not.toContain('sleep 600');
  });

  it('builds an image once, again when its folder changes, and sweeps all but images by label alone', async () => {
    const first = await docker.open(await planOf('FROM debian:bookworm-slim\n'));
    expect(said).toContainEqual(expect.stringMatching(/^building image ordeal\/docker-test:[0-9a-f]{12}$/));
    await first.start('n1', { command: ['sleep', '1000'] });
    await first.impair('n1', dropped(['clients']));
    await first.signal('n1', 'SIGSTOP');
    const removed = await docker.sweep(runId);
    expect(removed).toEqual([`container ordeal-${runId}-n1`, `network ordeal-${runId}`]);
    expect([left(), await docker.sweep(runId)]).toEqual([0, []]);
    said.length = 0;
    await using again = await docker.open(await planOf('FROM debian:bookworm-slim\n'));
    expect(said).toEqual(['making a network']);
    expect(again.facts['engine']).toMatch(/^Docker \d/);
    await again[Symbol.asyncDispose]();
    await using _changed = await docker.open(await planOf('FROM debian:bookworm-slim\nENV CHANGED=1\n'));
    expect(images()).toBeGreaterThan(0);
    expect(said).toContainEqual(expect.stringMatching(/^building image/));
  });
});
