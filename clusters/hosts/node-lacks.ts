/** Which levers on processes, clocks, disks and resources of nodes cannot be had on this machine, and what to do about it. */

import { accessSync, constants, readFileSync } from 'node:fs';
import { access, readdir } from 'node:fs/promises';
import type { Lacks } from '../../rig/contract.ts';
import { whyUnlimited } from './cgroups.ts';
import { missingExecutables } from './executables.ts';
import { runCommand } from './run-command.ts';
import { messageOf } from './steps.ts';

const LEVERS = {
  calls: ['calls.crashAt', 'calls.fail'],
  clocks: ['clocks.shift'],
  descriptors: ['descriptors.limit'],
  disks: ['disks.fill', 'disks.makeReadOnly', 'disks.slow', 'disks.fail', 'disks.losePower', 'disks.damage'],
  resources: ['resources.processor', 'resources.memory', 'resources.processes'],
} as const;

/** @param where the nodes' programs are installed: on this machine, or in images of their own. */
export async function nodeLacks(where: 'here' | 'in images'): Promise<Lacks> {
  if (process.platform !== 'linux') return allFor(`takes a Linux machine; this is ${process.platform}`);
  const reasons = {
    calls: await whyUntraced(),
    clocks: where === 'here' ? await whyTimeBound() : null,
    descriptors: (await missingExecutables([{ name: 'prlimit', install: 'util-linux' }]))[0] ?? null,
    disks: whyDiskless(),
    resources: whyUnlimited(),
  };
  return Object.fromEntries(
    Object.entries(reasons).flatMap(([control, reason]) =>
      reason === null ? [] : LEVERS[control as keyof typeof LEVERS].map((lever) => [lever, reason] as const),
    ),
  );
}

/** All of them, for one reason. */
export const allFor = (reason: string): Lacks =>
  Object.fromEntries(Object.values(LEVERS).flatMap((levers) => levers.map((lever) => [lever, reason])));

/** Tried on a process of our own. */
async function whyUntraced(): Promise<string | null> {
  const [missing] = await missingExecutables([{ name: 'strace', install: 'strace' }]);
  if (missing) return missing;
  const scope = attempt(() => readFileSync('/proc/sys/kernel/yama/ptrace_scope', 'latin1').trim()) ?? '0';
  if (process.getuid?.() !== 0 && scope !== '0')
    return `tracing a process takes root while kernel.yama.ptrace_scope is ${scope}`;
  const inject = ['-e', 'trace=fdatasync', '-e', 'inject=fdatasync:error=EIO'];
  return runCommand(['strace', '-qq', '-o', '/dev/null', ...inject, 'true']).then(() => null, messageOf);
}

async function whyTimeBound(): Promise<string | null> {
  for (const folder of await readdir('/usr/lib').catch(() => []))
    if (
      await access(`/usr/lib/${folder}/faketime/libfaketimeMT.so.1`).then(
        () => true,
        () => false,
      )
    )
      return null;
  return 'libfaketime is not installed: apt-get install libfaketime';
}

function whyDiskless(): string | null {
  if (process.getuid?.() !== 0) return 'mounting a disk for a node takes root';
  try {
    accessSync('/dev/fuse', constants.R_OK | constants.W_OK);
    return null;
  } catch {
    return 'there is no /dev/fuse: the kernel has no FUSE, or this container may not use it';
  }
}

function attempt<T>(look: () => T): T | undefined {
  try {
    return look();
  } catch {
    return undefined;
  }
}
