/**
 * Ordeal put through its own ordeal: a rig dies, is stopped, or is asked to end, at every stage of a fault's life, with
 * every kind of fault and on every host; and what it leaves behind has to be gone within the lease plus 2 s, or after one heal.
 * All of them run in CI and with `ORDEAL_DEATHS=all`; otherwise a few of each host.
 */

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import Dockerode from 'dockerode';
import { build } from 'esbuild';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { whyNot } from '../../rig/availability.ts';
import { describeWith } from '../../rig/needs.ts';
import { packageRoot } from '../../rig/package-root.ts';
import { Random } from '../../rig/random.ts';
import { Groups } from './cgroups.ts';
import { mountsOf } from './disk/disk.ts';
import { FAILING } from './disk/disk-rules.ts';
import { docker } from './docker.ts';
import { networkOf } from './docker-lab.ts';
import { doomedFaults } from './doomed-faults.ts';
import { faketimeFor } from './faketime-image.ts';
import type { LabDriver } from './host.ts';
import { loopback } from './loopback.ts';
import { netns } from './netns.ts';
import {
  descriptorsOf,
  processesInCgroup,
  processesInside,
  processesWith,
  stateOf,
  titleOf,
  tracerOf,
  variableOf,
} from './process-table.ts';
import { runCommand } from './run-command.ts';

const leaseMs = 2_000;
const healMs = leaseMs + 2_000;
const atOnce = 4;
const deaths = ['SIGKILL', 'SIGSTOP', 'SIGTERM', 'SIGHUP'] as const;
/** What the rig says just before it. */
const moments = ['progress starting', 'inject', 'injected', 'release', 'released', 'phase down'] as const;

interface Death {
  readonly host: string;
  readonly fault: string;
  readonly death: (typeof deaths)[number];
  readonly moment: (typeof moments)[number];
  /** After what the rig said. */
  readonly delayMs: number;
  /** Of a stopped rig: whether it is woken up in the end, or killed. */
  readonly wakes: boolean;
}

let folder = '';
let image = '';
/** By kind of death: how long each took to be clean. */
const healedMs = new Map<string, number[]>(deaths.map((death) => [death, []]));
let byHand = 0;

beforeAll(async () => {
  const cache = path.join(packageRoot, 'node_modules', '.cache');
  await mkdir(cache, { recursive: true });
  folder = await mkdtemp(path.join(cache, 'ordeal-deaths-'));
  image = path.join(folder, 'image');
  await mkdir(image);
  await writeFile(path.join(image, 'Dockerfile'), `FROM debian:bookworm-slim\n${await faketimeFor(image)}\n`);
  const entries = ['doomed-rig', 'guardian', 'disk/disk-server'];
  await build({
    entryPoints: entries.map((name) => ({
      in: path.join(packageRoot, 'clusters', 'hosts', `${name}.ts`),
      out: path.basename(name),
    })),
    outdir: folder,
    bundle: true,
    packages: 'external',
    platform: 'node',
    format: 'esm',
    target: 'node20',
  });
});

afterAll(async () => {
  await rm(folder, { recursive: true, force: true });
  const count = [...healedMs.values()].flat().length;
  const slowest = [...healedMs].map(([death, each]) => `${death} ${(Math.max(0, ...each) / 1000).toFixed(1)} s`);
  console.log(`${count} deaths of the rig, ${byHand} needed a heal; the slowest to be clean: ${slowest.join(', ')}`);
});

/** Everything on this machine that carries the run's id. */
async function leftOf(host: string, runId: string): Promise<readonly string[]> {
  const left = ['ORDEAL_RUN', 'ORDEAL_DISK', 'ORDEAL_TRACER'].flatMap((variable) =>
    processesWith(variable, runId).map((pid) => `process ${pid} with ${variable}`),
  );
  left.push(...(await mountsOf(runId)).map((at) => `mount ${at}`));
  for (const controller of await readdir('/sys/fs/cgroup'))
    for (const group of await readdir(`/sys/fs/cgroup/${controller}`).catch(() => []))
      if (group.startsWith(`ordeal-${runId}`)) left.push(`control group ${controller}/${group}`);
  if (host === 'netns') {
    for (const place of ['/run/netns', '/sys/class/net']) {
      left.push(...(await readdir(place)).filter((name) => name.startsWith(`ordeal-${runId}`)));
    }
  }
  if (host !== 'docker') return left;
  const engine = new Dockerode();
  const filters = { label: [`ordeal.run=${runId}`] };
  const [containers, networks] = await Promise.all([
    engine.listContainers({ all: true, filters }),
    engine.listNetworks({ filters }),
  ]);
  return [...left, ...containers.map(({ Id }) => `container ${Id}`), ...networks.map(({ Name }) => `network ${Name}`)];
}

/** What is still done to the clock, the limits or the calls of these processes. */
const squeezedIn = (processes: readonly number[]): readonly string[] =>
  processes.flatMap((pid) => {
    const { soft = 0, hard = 0 } = descriptorsOf(pid) ?? {};
    const file = variableOf(pid, 'FAKETIME_TIMESTAMP_FILE');
    const clock = `/proc/${pid}/root/${file}`;
    const groups = Groups.of(pid);
    const isOwn = groups?.folders.every((folder) => /\/docker\/|ordeal-/.test(folder));
    return [
      ...(soft < hard ? [`descriptors of ${pid}`] : []),
      ...(tracerOf(pid) === 0 ? [] : [`tracer of ${pid}`]),
      ...(file && existsSync(clock) && !/^\+0+\.0+\n$/.test(readFileSync(clock, 'latin1')) ? [`clock of ${pid}`] : []),
      ...(isOwn && !/^(-1|max .*)$/.test(groups?.limit('processor') ?? '-1') ? [`processor of ${pid}`] : []),
    ];
  });

/** Who is a member that was none at first, or the other way round, and who runs another version; of a cluster that stands. */
function changedIn({ fault, moment }: Death, processes: ReadonlyMap<string, readonly number[]>): readonly string[] {
  const upgraded = [...processes].filter(([, own]) => own.some((pid) => titleOf(pid).includes('sleep 2000')));
  const found = upgraded.map(([node]) => `the other version of ${node}`);
  if (fault !== 'members' || processes.size === 0 || ['progress starting', 'phase down'].includes(moment)) return found;
  const isUp = (node: string) => (processes.get(node) ?? []).length > 0;
  return [...found, ...['n1', 'n2'].filter((node) => !isUp(node)), ...['n3'].filter(isUp)];
}

/** Rules and stopped processes of that run; and on loopback the nodes, whose links stand still with their rig. */
async function faultsOf(death: Death, runId: string): Promise<readonly string[]> {
  const { host } = death;
  const running = new Map<string, readonly number[]>();
  if (host === 'loopback') return leftOf(host, runId);
  const found = processesWith('ORDEAL_DISK', runId).flatMap((pid) =>
    titleOf(pid).endsWith(FAILING) ? [`faults of the disk ${pid}`] : [],
  );
  if (host === 'netns') {
    for (const name of (await readdir('/run/netns')).filter((each) => each.startsWith(`ordeal-${runId}`))) {
      const file = `/run/netns/${name}`;
      const rules = await runCommand(['nsenter', `--net=${file}`, 'iptables-save']);
      if (rules.includes(`ordeal-${runId}`)) found.push(`rules in ${name}`);
      found.push(...processesInside(file).flatMap((pid) => (stateOf(pid) === 'stopped' ? [`stopped ${pid}`] : [])));
      found.push(...squeezedIn(processesInside(file)));
      const [, node] = /-(n\d)$/.exec(name) ?? [];
      if (node) running.set(node, processesInside(file));
    }
    return [...found, ...changedIn(death, running)];
  }
  const engine = new Dockerode();
  for (const { Id, Labels } of await engine.listContainers({ filters: { label: [`ordeal.run=${runId}`] } })) {
    running.set(Labels['ordeal.node'] ?? '', processesInCgroup(Id));
    const container = engine.getContainer(Id);
    const { State } = await container.inspect();
    if (State.Paused) found.push(`paused ${Id}`);
    found.push(...squeezedIn(processesInCgroup(Id)));
    if (State.Running && (await networkOf(container, State.Pid)(['iptables-save'])).includes(runId))
      found.push(`rules of ${Id}`);
  }
  return [...found, ...changedIn(death, running)];
}

/** Watchdogs of that run that are still there. */
async function guardiansOf(runId: string): Promise<readonly string[]> {
  const processes = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
  const environments = processes.map((pid) => readFile(`/proc/${pid}/environ`, 'latin1').catch(() => ''));
  return (await Promise.all(environments)).flatMap((environment, index) =>
    environment.includes(`ORDEAL_GUARDS=${runId}\0`) ? [`watchdog ${processes[index]}`] : [],
  );
}

/** What is there until nothing is, or the time is over. */
async function soonNothing(look: () => Promise<readonly string[]>, ms: number): Promise<readonly string[]> {
  for (const until = performance.now() + ms; ; await sleep(50)) {
    const found = await look().catch((error: Error) => [error.message]); // What is being removed cannot be looked at.
    if (found.length === 0 || performance.now() > until) return found;
  }
}

interface Doomed {
  readonly rig: ChildProcess;
  readonly runId: string;
  /** What it said last of all, once it has ended. */
  readonly said: () => string;
}

/** Starts a rig; resolves at the moment. */
async function untilMoment({ host, fault, moment, delayMs }: Death): Promise<Doomed> {
  const timeLimitMs = moment === 'phase down' ? 500 : 60_000;
  const script = path.join(folder, 'doomed-rig.js');
  const rig = spawn(process.execPath, [script, host, fault, path.join(folder, 'store'), image, String(timeLimitMs)], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { ...process.env, ORDEAL_LEASE_MS: String(leaseMs), ORDEAL_GRACE_MS: '6000' },
  });
  let runId = '';
  let last = '';
  const lines = createInterface({ input: rig.stdout as NodeJS.ReadableStream });
  await new Promise<void>((resolve, reject) => {
    lines.on('line', (line) => {
      last = line;
      if (line.startsWith('begun ')) runId = line.slice(6);
      if (line === moment || (line.includes(' ') && line.startsWith(moment))) resolve();
    });
    rig.once('exit', () => reject(new Error(`the rig ended before ${moment}; it said last: ${last}`)));
  });
  await sleep(delayMs);
  return { rig, runId, said: () => last };
}

async function ended(rig: ChildProcess): Promise<void> {
  if (rig.exitCode === null && rig.signalCode === null) await once(rig, 'exit');
}

/** Kills one rig, and finds out whether all is well afterwards. */
async function die(driver: LabDriver, death: Death): Promise<void> {
  const { host } = death;
  const { rig, runId, said } = await untilMoment(death);
  if (death.death === 'SIGHUP') rig.stdout?.destroy(); // A terminal that is closed does not listen either.
  rig.kill(death.death);
  const diedMs = performance.now();
  if (death.death === 'SIGTERM' || death.death === 'SIGHUP') await ended(rig);
  const stopped = death.death === 'SIGSTOP';
  const look = () => (stopped ? faultsOf(death, runId) : leftOf(host, runId));
  const late = await soonNothing(look, healMs);
  healedMs.get(death.death)?.push(performance.now() - diedMs);
  if (late.length > 0) {
    byHand++;
    await driver.heal(runId);
    if (!stopped || ['members', 'upgrade'].includes(death.fault)) await driver.sweep(runId);
    expect(await soonNothing(look, 1_000)).toEqual([]);
  }
  if (stopped) {
    // It must not wake up before its lease is over; until its grace is over too, its cluster stands.
    await sleep(Math.max(0, diedMs + leaseMs + 500 - performance.now()));
    expect(await soonNothing(look, healMs)).toEqual([]);
    rig.kill(death.wakes ? 'SIGCONT' : 'SIGKILL');
    await ended(rig);
    if (death.wakes && ['inject', 'injected', 'release', 'released'].includes(death.moment)) {
      expect(said()).toMatch(/^end {"ending":"failed","errors":\[".*(stood still|was silent) for .*its lease/);
    }
  }
  expect(await soonNothing(() => leftOf(host, runId), 20_000)).toEqual([]);
  expect(await soonNothing(() => guardiansOf(runId), 20_000)).toEqual([]);
}

const everything = process.env['CI'] !== undefined || process.env['ORDEAL_DEATHS'] === 'all';

/** Every fault of that host meets every kind of death at some moments; each death at each moment meets many faults. */
async function deathsOn({ name: host, lacks }: LabDriver): Promise<readonly Death[]> {
  const rng = new Random(host).fork('deaths');
  const lacking = await lacks();
  const reasons = await Promise.all(doomedFaults.map((one) => whyNot(one, lacking)));
  const faults = doomedFaults.filter((_, index) => reasons[index] === null);
  const all = faults.flatMap(({ name: fault }, at) =>
    deaths
      .flatMap((death) => moments.map((moment) => ({ death, moment })))
      .filter((_, index) => (index + at + Math.floor(index / moments.length)) % 5 === 0)
      .map((one, index) => ({ host, fault, ...one, delayMs: rng.integer(0, 40), wakes: (index + at) % 2 === 0 })),
  );
  return everything ? all : all.filter((_, index) => index % 9 === 0);
}

for (const [driver, needs] of [
  [docker, ['docker', 'root', 'fuse', 'tools'] as const],
  [loopback, ['root', 'fuse', 'tools'] as const],
  [netns, ['root', 'fuse', 'tools'] as const],
] as const) {
  describeWith(needs, `a rig with nodes on ${driver.name}`, () => {
    it('leaves nothing behind, whatever it dies of, and whenever', { timeout: 900_000 }, async () => {
      const waiting = [...(await deathsOn(driver))];
      const problems: string[] = [];
      const dieOnAndOn = async () => {
        for (let next = waiting.shift(); next; next = waiting.shift()) {
          const { fault, death, moment, delayMs } = next;
          await die(driver, next).catch((error: Error) =>
            problems.push(`${death} ${delayMs} ms after "${moment}" of ${fault}: ${error.message}`),
          );
        }
      };
      await Promise.all(Array.from({ length: atOnce }, dieOnAndOn));
      expect(problems).toEqual([]);
    });
  });
}
