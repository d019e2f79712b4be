/**
 * Kills the rig itself in the middle of a fault, and looks for what is left: nothing must be, once the watchdog's lease
 * has run out, and nobody must have had to heal.
 */

import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { RealClock } from './clock.ts';
import type { FaultAction, HostDriver } from './contract.ts';
import type { Plan } from './plan.ts';
import { runsGuarded } from './leftovers.ts';
import { writeJson } from './store.ts';

/** After each of these steps in the life of a fault the rig is killed once. */
export const DEATHS: readonly FaultAction[] = ['inject', 'injected', 'release'];

/** Long enough for a busy machine: a rig that stood still before its death would prove nothing. */
const LEASE_MS = 10_000;
/** Within the lease and this the watchdog must be done; an engine takes its time to remove containers. */
const GRACE_MS = 2_000;
const ENGINE_GRACE_MS = 10_000;
const LOOK_AGAIN_MS = 250;
const LOOK_EVERY_MS = 5;
const LONGEST_MS = 60_000;

/** `null`, or what was left after the rig was killed right after that step of the plan's first fault. */
export async function leftAfterDeath(step: FaultAction, plan: Plan, driver: HostDriver): Promise<string | null> {
  const clock = new RealClock();
  const folder = mkdtempSync(join(tmpdir(), 'ordeal-death-'));
  const file = join(folder, 'plan.json');
  writeJson(file, { ...plan, spec: { ...plan.spec, plan: plan.spec.plan?.slice(0, 1) ?? [] } });
  const { execa } = await import('execa');
  const rig = execa(process.execPath, [process.argv[1] as string, 'run', file, '--store', folder, '--quiet'], {
    reject: false,
    env: { ORDEAL_LEASE_MS: String(LEASE_MS) },
  });
  try {
    const history = join(folder, 'latest', 'history.jsonl');
    const told = `"action":"${step}"`;
    const untilNs = clock.nowNs() + LONGEST_MS * 1e6;
    while (!(existsSync(history) && readFileSync(history, 'utf8').includes(told))) {
      if (clock.nowNs() > untilNs) return `the fault never came to "${step}" within ${LONGEST_MS / 1000} s`;
      if (rig.exitCode != null) return `the fault never came to "${step}": ${lastWords(await rig)}`;
      await clock.sleep(LOOK_EVERY_MS);
    }
    rig.kill('SIGKILL');
    await rig;
    const { id } = JSON.parse(readFileSync(join(folder, 'latest', 'spec.json'), 'utf8')) as { readonly id: string };
    const latestNs = clock.nowNs() + (LEASE_MS + (driver.name === 'docker' ? ENGINE_GRACE_MS : GRACE_MS)) * 1e6;
    while (runsGuarded().includes(id) && clock.nowNs() < latestNs) await clock.sleep(LOOK_AGAIN_MS);
    const left = await driver.sweep(id);
    return left.length === 0 ? null : `left behind after the rig was killed at "${step}": ${left.join(', ')}`;
  } finally {
    rig.kill('SIGKILL');
    await rig;
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Why a rig ended by itself. */
const lastWords = ({ stdout, stderr }: { readonly stdout: string; readonly stderr: string }): string =>
  `${stderr}\n${stdout}`.trim().split('\n')[0] ?? 'the rig said nothing';
