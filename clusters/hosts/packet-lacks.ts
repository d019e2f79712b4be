/** Which levers of the network the kernel and the tools of this machine do not have, tried in a namespace of its own. */

import type { Lacks } from '../../rig/contract.ts';
import { type Command, runCommand } from './run-command.ts';
import { tryPacketQueue } from './packet-queue.ts';
import { messageOf } from './steps.ts';

/** What a lever needs, as a rule that goes with the namespace. */
const rules: Readonly<Record<string, string>> = {
  'network.reject': '-p tcp --tcp-flags RST NONE -j REJECT --reject-with tcp-reset',
  'network.lose': '-m statistic --mode random --probability 0.5 -j DROP',
  'network.limit':
    '-m hashlimit --hashlimit-above 20000b/s --hashlimit-burst 40000b --hashlimit-mode srcip --hashlimit-name try -j DROP',
  'network.duplicate': '-j TEE --gateway 127.0.0.1',
  'network.delay': '-j NFQUEUE --queue-num 1 --queue-bypass',
};

const QUEUE_PROCESS = 'a process for waiting packets';

/** @param around what to put before a command so that it runs in a network namespace that ends with it. */
export async function packetLacks(around: Command): Promise<Lacks> {
  const commands: Readonly<Record<string, Command>> = {
    ...Object.fromEntries(
      Object.entries(rules).map(([lever, rule]) => [lever, ['iptables', '-A', 'INPUT', ...rule.split(' ')]]),
    ),
    [QUEUE_PROCESS]: tryPacketQueue,
    'network.reset': ['ss', '-K', '-H', '-t', '-n', 'dst 192.0.2.1'],
  };
  const tries = Object.entries(commands).map(async ([lever, command]) => {
    const reason = await runCommand([...around, ...command]).then(() => null, messageOf);
    return reason === null ? [] : [[lever, `not on this kernel, or with these tools: ${reason}`]];
  });
  const lacks = Object.fromEntries((await Promise.all(tries)).flat()) as Lacks;
  const { [QUEUE_PROCESS]: process, ...others } = lacks;
  const waiting =
    others['network.delay'] ?? (process && `packets wait in a process of Python: apt-get install python3`);
  if (!waiting) return others;
  return { ...others, 'network.delay': waiting, 'network.reorder': waiting, 'network.corrupt': waiting };
}
