/**
 * A rig to be killed, for `deaths.test.ts`: a real run, with a real driver, of two nodes that do nothing but exist, under
 * one fault again and again. Tells on standard output what it does next, so that whoever kills it can choose the moment.
 */

import { Socket } from 'node:net';
import type { ControlName, HostName, NodeId, RunSpec, Workload } from '../../rig/contract.ts';
import { run } from '../../rig/run.ts';
import { Store } from '../../rig/store.ts';
import type { RunningDrill } from './controls/drills.ts';
import type { MembershipHooks } from './controls/membership.ts';
import { doomedFaults } from './doomed-faults.ts';
import { CLIENTS, type LabDriver } from './host.ts';
import { type Deployment, onHosts, type SystemDefinition } from './hosted.ts';

const port = 7000;
const nodes: readonly NodeId[] = ['n1', 'n2'];

const [host = '', fault = '', store, image = '', timeLimit] = process.argv.slice(2);
const tell = (what: string) => void process.stdout.write(`${what}\n`);
process.stdout.on('error', () => {}); // Whoever listened is gone, as a terminal may be.

async function driverNamed(name: string): Promise<LabDriver> {
  if (name === 'docker') return (await import('./docker.ts')).docker;
  return name === 'netns' ? (await import('./netns.ts')).netns : (await import('./loopback.ts')).loopback;
}

/** Resolves if anything comes back from that node, if only a refusal. */
function touch(node: NodeId, deployment: Deployment, signal: AbortSignal): Promise<null> {
  const { host: address, port: at } = deployment.lab.address(CLIENTS, node, port);
  return new Promise((resolve, reject) => {
    const socket = new Socket({ signal }).connect(at, address);
    socket.once('connect', () => {
      socket.destroy();
      resolve(null);
    });
    socket.once('error', (error: NodeJS.ErrnoException) =>
      error.code === 'ECONNREFUSED' ? resolve(null) : reject(error),
    );
  });
}

/** Whoever is asked to join or to leave does, at once. */
function obliging({ nodes: first }: Deployment): Omit<MembershipHooks, 'serves'> {
  const members = new Set(first);
  return {
    members: async () => [...members],
    leave: async (node) => void members.delete(node),
    join: async (node) => void members.add(node),
  };
}

const outage = (cut: () => Promise<void>): RunningDrill => ({
  begin: cut,
  seen: async () => ({ effective: true, observed: 'the store was out of reach' }),
  end: async () => {},
});

const nemesis = doomedFaults.find(({ name }) => name === fault);
if (!nemesis)
  throw new RangeError(`there is no fault ${fault}; there are ${doomedFaults.map(({ name }) => name).join(', ')}`);
const needs = (control: ControlName) => nemesis.controls.includes(control);
const driver = await driverNamed(host);
const system: SystemDefinition = {
  name: 'doomed',
  summary: 'Nodes that only exist.',
  controls: nemesis.controls,
  variants: {},
  nodeCounts: { default: 2, allowed: [2] },
  hosts: [driver],
  apis: {
    kv: async (node, deployment) => ({
      definite: new Set<string>(),
      get: (_key, signal) => touch(node, deployment, signal),
      put: async () => {},
      cas: async () => false,
      async [Symbol.asyncDispose]() {},
    }),
  },
  members: () => ({ nodes, ...(needs('membership') ? { spares: ['n3'] } : {}) }),
  membership: obliging,
  ...(needs('traffic') ? { traffic: { port, keyField: 'key' } } : {}),
  drills: () => ({ 'store-outage': (_drill, { drop }) => outage(() => drop(['n2'], ['n1'])) }),
  parties: () => [...nodes, CLIENTS],
  plan: (id) => ({ id, ports: [port], image: { name: 'doomed', directory: image } }),
  program: () => ({ command: ['sh', '-c', 'echo kept >file; exec sleep 1000'] }),
  upgraded: () => ({ command: ['sh', '-c', 'echo kept >file; exec sleep 2000'] }),
  ready: async () => {},
  primaries: async () => ['n1'],
};

const workload: Workload = {
  name: 'touch',
  summary: 'Knocks at the nodes.',
  api: 'kv',
  checkers: [],
  semantics: { get: 'safe' },
  *generator() {
    for (;;) yield { f: 'get' };
  },
  invoke: (api, _input, signal) => (api as { get(key: string, signal: AbortSignal): Promise<null> }).get('', signal),
};

const spec: RunSpec = {
  name: 'doomed',
  cluster: system.name,
  variant: null,
  host: host as HostName,
  workload: workload.name,
  nemeses: [fault],
  seed: 1,
  nodeCount: nodes.length,
  workerCount: 2,
  ratePerSecond: 20,
  warmUpMs: 0,
  timeLimitMs: Number(timeLimit),
  calmMs: [50, 50],
  faultMs: [150, 150],
  requestTimeoutMs: 200,
  bringUpTimeoutMs: 60_000,
  recoveryTimeoutMs: 10_000,
  finalTimeoutMs: 1_000,
  checkTimeoutMs: 1_000,
};

const stop = new AbortController();
for (const signal of ['SIGTERM', 'SIGHUP'] as const) process.on(signal, () => stop.abort(signal));

const result = await run(
  spec,
  { cluster: onHosts(system), workload, nemeses: [nemesis], checkers: [], reports: [], driver },
  new Store(store),
  'doomed',
  {
    begun: (header) => tell(`begun ${header.id}`),
    progress: (message) => tell(`progress ${message}`),
    event: (event) => {
      if (event.type === 'nemesis') tell(event.action);
      else if (event.type === 'phase') tell(`phase ${event.phase}`);
    },
    stop: stop.signal,
    onlyHeal: new AbortController().signal,
  },
);
const { record, left } = result;
tell(`end ${JSON.stringify({ ending: record?.verdict.ending, errors: record?.verdict.errors, left })}`);
process.exit();
