/** `ordeal nemesis try` and `test`: a nemesis is seen to bite and to let go. */

import { resolve } from 'node:path';
import pc from 'picocolors';
import { whyNotOn } from './availability.ts';
import { RealClock } from './clock.ts';
import { dutiesOn, nemesisDuties } from './conformance.ts';
import { type RunConfig } from './config.ts';
import { durationMs } from './durations.ts';
import type { FaultRecord, HostName, Nemesis, RunRecord, RunSpec } from './contract.ts';
import { EXIT, UsageError } from './exit.ts';
import { ask } from './member-command.ts';
import type { Plan } from './plan.ts';
import { makePlan, prepare, type RunFlags } from './prepare.ts';
import { reachOf, touchesSomething } from './reach.ts';
import { DEATHS, leftAfterDeath } from './rig-deaths.ts';
import { admit, driverOf, rooms } from './rooms.ts';
import { execute } from './run-command.ts';

/** How long `try` waits for a moment of the run at which a fault begins or ends. */
const LONGEST_WAIT_MS = 60_000;

const print = (line: string) => process.stdout.write(`${line}\n`);

/** Injects one fault into a real cluster under load, waits, heals, and shows what was seen of both. */
export async function tryNemesis(file: string, flags: RunFlags): Promise<void> {
  const forMs = durationMs(String(flags['for'] ?? '3s'), '--for');
  const { for: _for, ...others } = flags;
  const base: RunConfig = { name: 'nemesis-try', cluster: 'memory' };
  const asked = await prepare(null, { ...others, nemesis: pathOf(file) }, base);
  const spec = await withOneFault(asked, forMs);
  await execute(spec, flags, { verb: 'run', finish: (record) => showProof(record) });
}

/** The spec of a run as long as one fault takes: the first that would be drawn from its seed, a second into the load. */
async function withOneFault(asked: RunSpec, forMs: number): Promise<RunSpec> {
  const spec: RunSpec = {
    ...asked,
    calmMs: [1_000, 1_000],
    faultMs: [forMs, forMs],
    timeLimitMs: forMs + 7_000,
    limits: { beyondQuorum: false, abortWhen: [], stopFile: null, ...asked.limits, longestFaultMs: forMs + 10_000 },
  };
  const [first] = (await makePlan(spec)).spec.plan ?? [];
  if (!first) return spec;
  // What waits for a moment takes as long as that takes.
  const timeLimitMs = spec.timeLimitMs + (first.span ? LONGEST_WAIT_MS : 0);
  const limits = spec.limits && { ...spec.limits, longestFaultMs: first.span ? LONGEST_WAIT_MS : forMs + 10_000 };
  return { ...spec, timeLimitMs, ...(limits && { limits }), plan: [first] };
}

function showProof({ verdict }: RunRecord): void {
  const [fault] = verdict.faults;
  const problems = fault ? problemsOf(fault) : [...verdict.errors, 'no fault was injected'];
  if (fault) for (const line of proofOf(fault)) print(line);
  for (const problem of [...problems, ...verdict.errors.filter((error) => !problems.includes(error))])
    print(`${pc.red('✘')} ${problem}`);
  const isWell = problems.length === 0 && verdict.errors.length === 0;
  process.exitCode =
    verdict.exit.code === EXIT.faultMayBeActive ? verdict.exit.code : isWell ? EXIT.valid : EXIT.invalid;
}

function proofOf(fault: FaultRecord): readonly string[] {
  const { sentence, injectNs, injectedNs, releaseNs, releasedNs, evidence, recoveryMs } = fault;
  const took = (from: number | null, to: number | null) =>
    from === null || to === null ? 'never' : `${((to - from) / 1e6).toFixed(0)} ms`;
  const answers = Object.entries(recoveryMs).map(
    ([f, ms]) => `${f} ${ms === null ? 'never' : `after ${ms.toFixed(0)} ms`}`,
  );
  return [
    `fault     ${sentence}`,
    `injected  in ${took(injectNs, injectedNs)}`,
    `seen      ${evidence?.observed ?? 'nothing'}`,
    `released  in ${took(releaseNs, releasedNs)}, and seen to be gone`,
    `answered  ${answers.join(', ') || 'nothing was asked'}`,
  ];
}

function problemsOf({ sentence, injectedNs, releasedNs, evidence, stuck }: FaultRecord): readonly string[] {
  if (stuck !== null) return [`"${sentence}" could not be undone: ${stuck}`];
  if (injectedNs === null) return [`"${sentence}" never came into force`];
  if (releasedNs === null) return [`"${sentence}" was never seen to be undone`];
  return evidence?.effective ? [] : [`"${sentence}" had no effect: ${evidence?.observed ?? 'nothing was seen'}`];
}

/** The systems whose nodes are struck, where no other is named. */
const USUAL: Readonly<Partial<Record<HostName, string>>> = { docker: 'etcd', loopback: 'ledger', netns: 'etcd' };

/** Asks of a nemesis what the rig asks of its own, on the simulated cluster, and then on real nodes. */
export async function testNemesis(file: string, flags: RunFlags): Promise<void> {
  const nemesis = rooms.nemeses.get(await admit(resolve(file), 'nemesis'));
  const memory = rooms.clusters.get('memory');
  const duties = await dutiesOn(memory, nemesis);
  const failed = await ask(nemesis, duties, memory);
  if (duties.length < nemesisDuties.length)
    print(`- not tried on cluster memory: ${await whyNotOn(memory, 'memory', nemesis)}`);
  if (failed > 0) return void print('real nodes were left in peace');
  await onNodes(file, nemesis, flags);
}

async function onNodes(file: string, nemesis: Nemesis, flags: RunFlags): Promise<void> {
  const host = (flags['host'] ?? 'loopback') as HostName;
  const cluster = String(flags['cluster'] ?? USUAL[host] ?? '');
  if (cluster === '') throw new UsageError(`a nemesis is tested on ${Object.keys(USUAL).join(', ')}, not on ${host}`);
  const base: RunConfig = {
    name: 'nemesis-test',
    cluster,
    host,
    timeLimit: '10s',
    calm: ['1s', '1s'],
    fault: ['1500ms', '1500ms'],
  };
  const reason = await whyNotOn(rooms.clusters.get(cluster.split(':')[0] as string), host, nemesis);
  if (reason !== null) return void print(`- not tried on ${host}: ${reason}`);
  const spec = await prepare(null, { ...flags, nemesis: pathOf(file) }, base);
  const plan = await makePlan(spec);
  const reaches = await Promise.all(
    (plan.spec.plan ?? []).map(({ fault }) => reachOf(nemesis, fault, plan, new RealClock())),
  );
  if (!reaches.some(({ calls }) => touchesSomething(calls, plan)))
    return void print(`- not tried on ${host}: it cuts only nodes from nodes, and those of ${cluster} never talk`);
  await execute(
    spec,
    { ...flags, quiet: true },
    {
      verb: 'run',
      finish({ verdict }) {
        const problems = [...verdict.faults.flatMap(problemsOf), ...verdict.errors];
        if (verdict.faults.length === 0) problems.push('no fault was injected');
        const count = verdict.faults.length === 1 ? 'one fault' : `${verdict.faults.length} faults`;
        const says = `bites and lets go in ${spec.nodeCount} nodes of ${cluster} on ${host}: ${count}`;
        print(problems.length === 0 ? `${pc.green('✔')} ${says}` : `${pc.red('✘')} ${says}`);
        for (const problem of problems) print(`    ${problem}`);
        process.exitCode = problems.length === 0 ? EXIT.valid : EXIT.invalid;
      },
    },
  );
  if (process.exitCode === EXIT.valid) await survivesTheRig(plan);
}

/** Kills the rig between the steps of a fault, several rigs side by side, and tells what was left. */
async function survivesTheRig(plan: Plan): Promise<void> {
  const driver = driverOf(plan.spec.host);
  if (!driver) return;
  const left = (await Promise.all(DEATHS.map((step) => leftAfterDeath(step, plan, driver)))).filter(
    (problem) => problem !== null,
  );
  const says = `leaves nothing there when the rig is killed after ${DEATHS.join(', ')}`;
  print(left.length === 0 ? `${pc.green('✔')} ${says}` : `${pc.red('✘')} ${says}`);
  for (const problem of left) print(`    ${problem}`);
  if (left.length > 0) process.exitCode = EXIT.invalid;
}

/** The file as `prepare` tells it from a name. */
const pathOf = (file: string): string => (/[/\\]/.test(file) ? file : `./${file}`);
