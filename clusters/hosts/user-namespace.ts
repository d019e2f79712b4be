/**
 * Being root without privilege: a user namespace in which the rig runs itself again. It has network, mounts and
 * process ids of its own; when the rig ends, however it ends, everything inside ends with it.
 */

import { type Command, runCommand } from './run-command.ts';

/** What to put before a command so that it runs as root of a namespace of its own. */
export const userNamespace: Command = [
  'unshare',
  '--user',
  '--map-root-user',
  '--net',
  '--mount',
  '--pid',
  '--fork',
  '--kill-child',
  '--mount-proc',
  '--',
];

/** The command that runs this program again, with the same arguments, where the host `netns` works without privilege. */
export function insideUserNamespace(): Command {
  // A /run of its own is where names of network namespaces and the lock of iptables can be written.
  const script = 'mount -t tmpfs tmpfs /run && ip link set lo up && exec "$@"';
  return [...userNamespace, 'sh', '-c', script, 'sh', process.execPath, ...process.execArgv, ...process.argv.slice(1)];
}

/** `null` if it works here, otherwise why not and what to do. */
export async function canEnterUserNamespace(): Promise<string | null> {
  try {
    await runCommand([...userNamespace, 'true']);
    return null;
  } catch (error) {
    const way = 'use sudo, or allow user namespaces (sysctl kernel.unprivileged_userns_clone=1)';
    return `not root, and no user namespace can be entered: ${(error as Error).message}; ${way}`;
  }
}
