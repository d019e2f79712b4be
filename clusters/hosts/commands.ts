/**
 * The commands by which hosts carry out each lever and take it back, as a plan prints them: with names of parties where
 * their addresses will stand, `<n2>`, and RUN for the run's id. What is really done is in `audit.jsonl`.
 */

import type { ControlName, Delay, HostName, LeverCommands, NodeId, Party } from '../../rig/contract.ts';
import type { Act, Impairment } from './impairment.ts';
import { NAME_SERVERS } from './impairment.ts';
import { packetRules } from './packet-rules.ts';

const NOTHING: LeverCommands = { does: [], undoes: [] };
const started = 'start its program again on the same data';
const RULES_GONE = 'iptables-restore --noflush, without the chains ordeal-RUN-in and -out; then read back';

/** @param lever `network.drop`. @param given its arguments. Empty for what is no command: proxies, simulations, systems' own means. */
export function commandsOf(host: HostName, lever: string, given: readonly unknown[]): LeverCommands {
  const [control, method = ''] = lever.split('.');
  const [first, second, third] = given;
  const nodes = listOf(first);
  if (host === 'memory' || host === 'attached') return NOTHING;
  switch (control as ControlName) {
    case 'network':
      return host === 'loopback' ? NOTHING : network(method, nodes, listOf(second), third);
    case 'processes':
      return each(nodes, SIGNALS[method] ?? `kill (${method})`, method === 'pause' ? 'kill -CONT' : started);
    case 'calls':
      return method === 'crashAt'
        ? each(nodes, `strace -f -e inject=${text(second)}:signal=KILL:when=${text(third)}`, started)
        : each(nodes, `strace -f -e inject=${text(second)}:error=${text(third)}:when=${text(given[3])}+`, 'end strace');
    case 'clocks':
      return each(
        nodes,
        `write ${text(second)} to the file that libfaketime reads`,
        'write +0 to that file, and read it back',
      );
    case 'descriptors':
      return each(
        nodes,
        `prlimit --pid … --nofile=(those open + ${text(second)})`,
        'prlimit --pid … --nofile=(as before)',
      );
    case 'disks':
      return each(
        nodes,
        `tell its file system: ${method} ${given.slice(1).map(text).join(' ')}`.trim(),
        method === 'damage' ? 'CANNOT BE UNDONE' : `tell its file system to work; ${started} where it died`,
      );
    case 'resources':
      return each(
        nodes,
        `limit its control group ordeal-RUN: ${method} ${text(second)}`,
        'write the limit as it was, and read it back',
      );
    case 'upgrades':
      return each(
        nodes,
        'kill -TERM, and start its other version on the same data',
        'kill -TERM, and start its first version on the same data',
      );
    case 'drills':
    case 'membership':
    case 'traffic':
      return NOTHING;
  }
}

const SIGNALS: Readonly<Record<string, string>> = {
  kill: 'kill -KILL (all of its processes)',
  pause: 'kill -STOP (all of its processes)',
  terminate: 'kill -TERM (all of its processes), and -KILL after a few seconds',
  loop: 'kill -KILL (all of its processes), start, again and again',
};

const ACTS: Readonly<Record<string, (detail: unknown) => Act>> = {
  drop: () => ({ do: 'drop' }),
  reject: () => ({ do: 'reject' }),
  dropNew: () => ({ do: 'drop-new' }),
  lose: (detail) => ({ do: 'lose', probability: Number(detail) }),
  reorder: (detail) => ({ do: 'reorder', probability: Number(detail) }),
  corrupt: (detail) => ({ do: 'corrupt', probability: Number(detail) }),
  limit: (detail) => ({ do: 'limit', bytesPerSecond: Number(detail) }),
  delay: (detail) => ({ do: 'delay', ...(detail as Delay) }),
};

function network(method: string, from: readonly Party[], to: readonly Party[], detail: unknown): LeverCommands {
  const act = ACTS[method]?.(detail);
  if (act) return rulesOf(from, to, act);
  switch (method) {
    case 'swizzle':
      return join(rulesOf(from, to, { do: 'drop' }), rulesOf(to, from, { do: 'drop' }));
    case 'failNames':
      return rulesOf([NAME_SERVERS], from, { do: detail === 'silence' ? 'drop' : 'reject' });
    case 'duplicate':
      return each(from, `iptables -t mangle … -d ${to.map(placed).join(',')} -j TEE`, RULES_GONE);
    case 'reset':
      return each(from, `ss -K state established dst ${to.map(placed).join(' or dst ')}`, 'nothing stays');
    default:
      return NOTHING;
  }
}

/** What `clients` must not hear is stopped where it leaves the node. */
function rulesOf(from: readonly Party[], to: readonly Party[], act: Act): LeverCommands {
  const all = to.flatMap((listener) =>
    from.filter((sender) => sender !== listener).map((sender) => ({ listener, sender })),
  );
  const does = all.flatMap(({ listener, sender }) => {
    const impairment: Impairment = { from: sender, ...act };
    const [node, direction] = listener === 'clients' ? [sender, 'out' as const] : [listener, 'in' as const];
    return packetRules(direction, impairment, placed, undefined).map(
      (rule) => `${node}: iptables -A ordeal-RUN-${direction} ${rule}`,
    );
  });
  const touched = [...new Set(all.map(({ listener, sender }) => (listener === 'clients' ? sender : listener)))];
  return { does, undoes: touched.map((node) => `${node}: ${RULES_GONE}`) };
}

const each = (nodes: readonly NodeId[], does: string, undoes: string): LeverCommands => ({
  does: nodes.map((node) => `${node}: ${does}`),
  undoes: nodes.map((node) => `${node}: ${undoes}`),
});

const join = (one: LeverCommands, other: LeverCommands): LeverCommands => ({
  does: [...one.does, ...other.does],
  undoes: [...new Set([...one.undoes, ...other.undoes])],
});

const placed = (party: Party): string => `<${party}>`;
const listOf = (given: unknown): readonly Party[] =>
  Array.isArray(given) ? given.filter((one): one is Party => typeof one === 'string') : [];
const text = (given: unknown): string => (typeof given === 'string' ? given : (JSON.stringify(given) ?? ''));
