/** What this machine can and cannot do as the host `netns`, tried in namespaces that end with the try. */

import type { Capability, Lacks } from '../../rig/contract.ts';
import { missingExecutables } from './executables.ts';
import { nodeLacks } from './node-lacks.ts';
import { packetLacks } from './packet-lacks.ts';
import { runCommand } from './run-command.ts';
import { canEnterUserNamespace, userNamespace } from './user-namespace.ts';

export async function probe(): Promise<readonly Capability[]> {
  if (process.platform !== 'linux') {
    return [
      {
        name: 'linux',
        available: false,
        needed: true,
        reason: `network namespaces need Linux; this is ${process.platform}`,
      },
    ];
  }
  const missing = await missingExecutables([
    { name: 'ip', install: 'iproute2' },
    { name: 'nsenter', install: 'util-linux' },
    { name: 'iptables-save', install: 'iptables' },
  ]);
  const privilege = await privilegeHere();
  const tools: Capability = {
    name: 'tools',
    available: missing.length === 0,
    needed: true,
    reason: missing.join('; ') || 'ip, nsenter and iptables are installed',
  };
  if (!privilege.available || missing.length > 0) return [privilege, tools];
  return [privilege, tools, await linksAndRules(), watchdog];
}

export async function lacks(): Promise<Lacks> {
  if (process.platform !== 'linux') return {};
  const around = process.getuid?.() === 0 ? (['unshare', '--net', '--'] as const) : userNamespace;
  return { ...(await packetLacks(around)), ...(await nodeLacks('here')) };
}

const watchdog: Capability = {
  name: 'watchdog',
  available: true,
  needed: false,
  reason: 'a process of its own undoes every fault when the rig is gone or hangs',
};

async function privilegeHere(): Promise<Capability> {
  if (process.getuid?.() === 0) return { name: 'privilege', available: true, needed: true, reason: 'running as root' };
  const reason = await canEnterUserNamespace();
  return {
    name: 'privilege',
    available: reason === null,
    needed: true,
    reason: reason ?? 'not root, but a user namespace can be entered',
  };
}

/** Tries in a namespace that ends with the try. */
async function linksAndRules(): Promise<Capability> {
  const script =
    'ip link add veth1 type veth peer name veth2 && ip link add bridge1 type bridge && iptables-save -t filter >/dev/null';
  const around = process.getuid?.() === 0 ? (['unshare', '--net', '--'] as const) : userNamespace;
  try {
    await runCommand([...around, 'sh', '-c', script]);
    return { name: 'partitions', available: true, needed: true, reason: 'virtual links, a bridge and iptables work' };
  } catch (error) {
    return { name: 'partitions', available: false, needed: true, reason: (error as Error).message };
  }
}
