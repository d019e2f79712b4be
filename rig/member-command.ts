/** `ordeal workload test` and `ordeal checker test`: a user's own is asked what is asked of those that are shipped. */

import { resolve } from 'node:path';
import pc from 'picocolors';
import { type Duty, tryDuty } from './conformance.ts';
import type { Cluster } from './contract.ts';
import { checkerDutiesWith, workloadDuties } from './duties.ts';
import { EXIT } from './exit.ts';
import { admit, rooms } from './rooms.ts';

/** Workloads whose histories every checker is put before. */
const USUAL = ['register', 'transfers', 'watch'];

const print = (line: string) => process.stdout.write(`${line}\n`);

export async function testWorkload(file: string): Promise<void> {
  const workload = rooms.workloads.get(await admit(resolve(file), 'workload'));
  const memory = rooms.clusters.get('memory');
  const isHere = memory.apis.includes(workload.api);
  const duties = workloadDuties.filter(({ onCluster }) => isHere || !onCluster);
  await ask(workload, duties, memory);
  if (!isHere) print(`- the simulated cluster does not offer the API ${workload.api}: not tried there`);
}

export async function testChecker(file: string): Promise<void> {
  const checker = rooms.checkers.get(await admit(resolve(file), 'checker'));
  const others = USUAL.map((name) => rooms.workloads.get(name));
  await ask(checker, checkerDutiesWith(others), rooms.clusters.get('memory'));
}

/** Tries each duty, tells how it went, and sets the exit code. Returns how many promises were broken. */
export async function ask<Member extends { readonly name: string }>(
  member: Member,
  duties: readonly Duty<Member>[],
  bench: Cluster,
): Promise<number> {
  let failed = 0;
  for (const duty of duties) {
    const problem = await tryDuty(duty, member, bench);
    if (problem !== null) failed++;
    print(problem === null ? `${pc.green('✔')} ${duty.says}` : `${pc.red('✘')} ${duty.says}\n    ${problem}`);
  }
  if (failed > 0) {
    print(`${member.name} broke ${failed} of ${duties.length} promises`);
    process.exitCode = EXIT.invalid;
  }
  return failed;
}
