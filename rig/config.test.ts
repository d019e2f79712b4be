import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { checkConfig, type RunConfig, specOf } from './config.ts';
import { readValue } from './read-value.ts';
import { durationMs } from './durations.ts';
import { rooms } from './rooms.ts';

const check = (value: unknown) => checkConfig(value, 'night.yaml', rooms);
const spec = (config: RunConfig) => specOf(config, 'memory', 1, rooms);

describe('a configuration', () => {
  it('may be empty, because everything has a default', () => {
    expect(spec(check({}))).toMatchObject({ cluster: 'ledger', workload: 'transfers', seed: 1, nodeCount: 3 });
  });

  it('is read from YAML and from JSON', () => {
    const directory = mkdtempSync(join(tmpdir(), 'ordeal-config-'));
    writeFileSync(join(directory, 'a.yaml'), 'cluster: memory\nnemesis: [kill]\ntimeLimit: 5s\n');
    writeFileSync(join(directory, 'a.json'), '{"cluster":"memory","nemesis":["kill"],"timeLimit":"5s"}');
    expect(check(readValue(join(directory, 'a.yaml')))).toEqual(check(readValue(join(directory, 'a.json'))));
    rmSync(directory, { recursive: true });
  });

  it.each([
    [{ clutser: 'etcd' }, /night\.yaml: "clutser" is not a setting; there are name, cluster/],
    [{ workload: 'regster' }, /workload is "regster"; it may be .*register/],
    [{ timeLimit: '60' }, /timeLimit is "60"; a duration is a number with a unit: 500ms, 60s/],
    [{ seed: -1 }, /seed is -1; it must be >= 0/],
    [{ host: 'cloud' }, /host is "cloud"; it may be auto, docker, netns, loopback, memory/],
    [{ rate: 0 }, /rate is 0; it must be > 0/],
    [{ nodes: 'three' }, /nodes is "three"; it must be integer/],
    ['a text', /night\.yaml: the configuration is "a text"; it must be object/],
    [{ calm: ['1s'] }, /calm is \["1s"\]; it must NOT have fewer than 2 items/],
  ])('%j is refused with the path, the value and the alternatives', (value, message) => {
    expect(() => check(value)).toThrow(message);
  });

  it.each([
    [{ cluster: 'etdc' }, /no cluster is called "etdc"; there are .*etcd/],
    [{ cluster: 'etcd:stale' }, /cluster etcd has no bug or variant "stale"; there are stale-reads/],
    [{ cluster: 'etcd', bug: 'none' }, /cluster etcd has no bug or variant "none"/],
    [
      { cluster: 'etcd', workload: 'transfers' },
      /workload transfers needs the ledger API, which cluster etcd does not offer/,
    ],
    [{ nemesis: 'partiton' }, /no nemesis is called "partiton"; there are .*partition/],
    [{ nemesis: 'kill,kill' }, /nemesis kill is named twice/],
    [{ cluster: 'etcd', nodes: 4 }, /cluster etcd cannot have 4 nodes; it may have 3, 5/],
    [{ calm: ['5s', '1s'] as const }, /calm runs from 5s to 1s; the first must not be the larger/],
    [{ timeLimit: '25h' }, /the longest is 24h/],
  ])('%j is refused because of what is there', (config, message) => {
    expect(() => spec(check(config))).toThrow(message);
  });

  it('takes a variant from the cluster’s name or as a bug', () => {
    expect(spec({ cluster: 'etcd:stale-reads' }).variant).toBe('stale-reads');
    expect(spec({ cluster: 'etcd', bug: 'stale-reads' }).variant).toBe('stale-reads');
  });

  it('takes a number of workers, or a number for each node', () => {
    expect(spec({ concurrency: 7 }).workerCount).toBe(7);
    expect(spec({ concurrency: '5n' }).workerCount).toBe(15);
  });

  it('takes `none` for no nemesis', () => {
    expect(spec({ nemesis: 'none' }).nemeses).toEqual([]);
  });
});

describe('a duration', () => {
  it.each([
    ['500ms', 500],
    ['1.5s', 1_500],
    ['2m', 120_000],
    ['1h', 3_600_000],
  ])('%s is %d ms', (text, ms) => expect(durationMs(text, 'x')).toBe(ms));

  it.each(['', '5', 's', '-1s', '1s2', '1e3s'])('"%s" is none', (text) => {
    expect(() => durationMs(text, '--timeout')).toThrow(`--timeout is "${text}"`);
  });
});
