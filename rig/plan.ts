/**
 * A plan: the spec of a run with every fault settled, as a file that `ordeal run` follows exactly, and as text for
 * a person who wants to know what is going to happen, for how long, and how it will be undone.
 */

import { RealClock } from './clock.ts';
import type {
  Cluster,
  ControlName,
  HostName,
  Layout,
  LeverCommands,
  Link,
  Nemesis,
  NodeId,
  Party,
  PlannedFault,
  RunSpec,
} from './contract.ts';
import { UsageError } from './exit.ts';
import { headerSchema } from './header-schema.ts';
import { reachOf } from './reach.ts';
import { longestOf, minorityOf, mostDown, omissionText, type Schedule } from './schedule.ts';
import { ajv } from './packages.ts';

/** `plan.json`. */
export interface Plan {
  readonly schema: 1;
  readonly kind: 'plan';
  /** With its faults in `spec.plan`. */
  readonly spec: RunSpec;
  readonly nodes: readonly NodeId[];
  readonly parties: readonly Party[];
  readonly links?: readonly Link[];
  /** What is left out and why, a sentence each. */
  readonly omitted: readonly string[];
}

const text = { type: 'string', maxLength: 4_096 } as const;
const texts = { type: 'array', items: text, maxItems: 100_000 } as const;

const planSchema = {
  type: 'object',
  additionalProperties: false,
  required: ['schema', 'kind', 'spec', 'nodes', 'parties', 'omitted'],
  properties: {
    schema: { const: 1 },
    kind: { const: 'plan' },
    spec: {
      ...headerSchema.properties.spec,
      required: Object.keys(headerSchema.properties.spec.properties).filter(
        (field) => !['limits', 'dryRun', 'plugins'].includes(field),
      ),
    },
    nodes: texts,
    parties: texts,
    links: { type: 'array', items: texts },
    omitted: texts,
  },
};

export function planOf(spec: RunSpec, layout: Layout, schedule: Schedule): Plan {
  const { nodes, parties, links } = layout;
  const plan = { ...spec, plan: schedule.faults };
  const omitted = schedule.omitted.map(omissionText);
  return { schema: 1, kind: 'plan', spec: plan, nodes, parties, ...(links ? { links } : {}), omitted };
}

/** True if this is meant to be a plan, be it a broken one. */
export const isPlan = (value: unknown): boolean =>
  typeof value === 'object' && value !== null && 'kind' in value && value.kind === 'plan';

/** @param where the file, for errors. */
export function checkPlan(value: unknown, where: string): Plan {
  const validate = new (ajv().Ajv2020)({ allowUnionTypes: true }).compile<Plan>(planSchema);
  if (!validate(value)) {
    const [first] = validate.errors ?? [];
    const at = first?.instancePath.slice(1).replaceAll('/', '.') || 'it';
    throw new UsageError(`${where} is not a plan: ${at} ${first?.message}`);
  }
  return value;
}

/** Refuses where what the plan was made for is not what is there now. */
export function requireSame(plan: Plan, there: Layout, where: string): void {
  const then = JSON.stringify([plan.nodes, plan.parties, plan.links ?? null]);
  if (then !== JSON.stringify([there.nodes, there.parties, there.links ?? null]))
    throw new UsageError(
      `${where} was made for ${plan.parties.join(', ')}; the cluster now has ${there.parties.join(', ')}, or other links between them: make the plan again`,
    );
}

const TRACED =
  'strace at the processes of the node; undone by ending it, and, where a node died of it, by starting it again on the same data';
const FAKED =
  'the programs of the node read the difference to the right time from a file, by libfaketime; undone by setting it to nothing, and read back';
const PRLIMIT = 'prlimit on each process of the node; undone by giving back the limit that it had, and read back';
const OWN_DISK =
  'the node keeps its data on a file system of the rig’s own (FUSE), which fails as it is told; undone by letting it work, and, where a node died of it, by starting it again on what is left; damage to files CANNOT be undone';
const GROUPED =
  'limits of the control group of the node; undone by taking them away, and read back, and, where a node died of it, by starting it again';

/** On all hosts whose nodes are processes. */
const alike = (means: string) => ({ docker: means, netns: means, loopback: means });

const PROXIED =
  'a proxy between clients and nodes holds, repeats, drops or tears requests; undone by letting all pass again';

const UPGRADED =
  'the node is asked to end and started as another version on the same data, one after the other; undone by going back in the same way';

const DRILLED =
  'the system’s own means, each bounded in time where it is made; undone by taking it back, and seen to be gone';

/** How each control works on each host, and how it is undone. */
const MEANS: Readonly<Partial<Record<ControlName, Partial<Record<HostName, string>>>>> = {
  calls: alike(TRACED),
  clocks: alike(FAKED),
  descriptors: alike(PRLIMIT),
  disks: alike(OWN_DISK),
  resources: alike(GROUPED),
  network: {
    docker:
      'iptables rules in chains of their own, inside the network namespaces of the nodes; undone by removing them, and read back',
    netns:
      'iptables rules in chains of their own, inside the network namespaces of the nodes; undone by removing them, and read back',
    loopback: 'the proxy on each link swallows what is sent; undone by letting it pass again',
    memory: 'messages of the simulation are dropped; undone by delivering them again',
  },
  traffic: {
    docker: PROXIED,
    netns: PROXIED,
    loopback: PROXIED,
  },
  drills: { docker: DRILLED, loopback: DRILLED },
  upgrades: alike(UPGRADED),
  membership: {
    docker:
      'nodes leave and join as the system offers it, and are started on empty disks; undone by the opposite, and read back',
    netns:
      'nodes leave and join as the system offers it, and are started on empty disks; undone by the opposite, and read back',
  },
  processes: {
    docker:
      'SIGKILL, SIGTERM or SIGSTOP inside the container; undone by starting the program again on the same data, or SIGCONT',
    netns: 'SIGKILL, SIGTERM or SIGSTOP; undone by starting the program again on the same data, or SIGCONT',
    loopback: 'SIGKILL, SIGTERM or SIGSTOP; undone by starting the program again on the same data, or SIGCONT',
    memory: 'simulated nodes lose what is not on disk, or stand still; undone by starting or waking them',
  },
};

/** A line for each control: what is done and how it is undone. */
export const meansOf = (controls: readonly ControlName[], host: HostName): readonly string[] =>
  [...new Set(controls)].map(
    (control) => `${control}: ${MEANS[control]?.[host] ?? 'changes under a hold of their own; undone by releasing it'}`,
  );

/** By hold: how each fault is carried out and undone, as far as that is done by commands. */
export async function commandsOfPlan(
  plan: Plan,
  cluster: Cluster,
  nemeses: readonly Nemesis[],
): Promise<ReadonlyMap<string, LeverCommands>> {
  const byHold = new Map<string, LeverCommands>();
  for (const { nemesis: name, hold, fault } of plan.spec.plan ?? []) {
    const nemesis = nemeses.find((one) => one.name === name);
    if (!nemesis || !cluster.commands) continue;
    const { calls } = await reachOf(nemesis, fault, plan, new RealClock());
    const all = calls.map(
      ({ control, method, arguments: given }) =>
        cluster.commands?.(plan.spec.host, `${control}.${method}`, given) ?? { does: [], undoes: [] },
    );
    const undoes = [...new Set(all.flatMap((one) => one.undoes))];
    byHold.set(hold, { does: all.flatMap((one) => one.does), undoes });
  }
  return byHold;
}

export function planText(
  plan: Plan,
  controls: readonly ControlName[],
  commands: ReadonlyMap<string, LeverCommands> = new Map(),
): string {
  const faults = plan.spec.plan ?? [];
  const worst = mostDown(faults, plan.spec);
  const isMinority = worst.nodes.length <= minorityOf(plan.nodes.length);
  return [
    `${plan.nodes.length} nodes of ${plan.spec.cluster} on ${plan.spec.host}: ${plan.nodes.join(', ')}; seed ${plan.spec.seed}`,
    '',
    ...(faults.length === 0 ? ['No fault is planned.'] : ['   from      for  fault']),
    ...faults.flatMap((fault) => [faultText(fault, plan.spec), ...commandLines(commands.get(fault.hold))]),
    '',
    worst.nodes.length === 0
      ? 'No node is ever down.'
      : `At most ${worst.nodes.length} of ${plan.nodes.length} nodes are down at once (${worst.nodes.join(', ')}, from ${seconds(worst.atMs)}): ${isMinority ? 'a minority or less' : 'MORE than a minority'}.`,
    ...(controls.length === 0 ? [] : ['How it is done, and undone:']),
    ...meansOf(controls, plan.spec.host).map((line) => `  ${line}`),
    ...(plan.omitted.length === 0 ? [] : ['Left out:', ...plan.omitted.map((line) => `  ${line}`)]),
  ].join('\n');
}

const INDENT = ' '.repeat(19);

const commandLines = (commands: LeverCommands = { does: [], undoes: [] }): readonly string[] => [
  ...commands.does.map((line) => `${INDENT}does   ${line}`),
  ...commands.undoes.map((line) => `${INDENT}undoes ${line}`),
];

function faultText(fault: PlannedFault, spec: RunSpec): string {
  const { atMs, forMs, span, sentence, hold, dependsOnPrimaries, damaged } = fault;
  const length = span?.until
    ? `≤${seconds(Math.min(longestOf(fault, spec), spec.limits?.longestFaultMs ?? Infinity))}`
    : seconds(forMs);
  const when = `${seconds(atMs).padStart(8)} ${length.padStart(8)}`;
  return `${when}  ${sentence} (${hold}${dependsOnPrimaries ? '; drawn among the nodes, chosen at its time by who leads then' : ''})${damaged ? ' CANNOT BE UNDONE' : ''}`;
}

const seconds = (ms: number): string => `${(ms / 1000).toFixed(1)} s`;
