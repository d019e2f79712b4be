/** `ordeal replay-traffic`: the requests of a stored run once more, into a cluster that is brought up for it. */

import { join } from 'node:path';
import type { Cluster, RunningCluster } from './contract.ts';
import { UsageError } from './exit.ts';
import { readHistory } from './history-file.ts';
import { sentenceOf } from './outcome.ts';
import { prepare } from './prepare.ts';
import { Random } from './random.ts';
import { castOf, replayOf, rooms } from './rooms.ts';
import { execute } from './run-command.ts';
import type { Cast } from './run.ts';
import { idOf, readHeader, Store } from './store.ts';

export interface ReplayFlags {
  readonly into: string;
  readonly host?: string;
  readonly nodes?: string;
  readonly speed: 'recorded' | 'maximal';
  readonly order: 'recorded' | 'shuffled';
  readonly restore?: boolean;
  readonly seed?: string;
  readonly store?: string;
  readonly quiet?: boolean;
  readonly json?: boolean;
}

/** Rebuilding and replaying may take as long as this. */
const LONGEST = '1h';
const CLUSTER_HOLD = 'restore-1';

export async function replayTraffic(wanted: string, flags: ReplayFlags): Promise<void> {
  const directory = new Store(flags.store).find(wanted);
  const { spec: recorded } = readHeader(directory);
  if (rooms.workloads.get(recorded.workload).api !== 'ledger')
    throw new UsageError(
      `${wanted} is a run of the workload ${recorded.workload}, whose requests bear no keys; a replay needs one of ${keyed().join(', ')}`,
    );
  const { into, host, nodes, seed, store, quiet, json } = flags;
  const flagsOfRun = { cluster: into, host, nodes, seed, store, quiet, json };
  const base = { workload: recorded.workload, nemesis: 'none', rate: 'closed' as const, name: 'replay' };
  const limits = { timeLimit: LONGEST, warmUp: '0ms', concurrency: recorded.workerCount };
  const prepared = await prepare(null, flagsOfRun, { ...base, ...limits });
  const spec = { ...prepared, finalTimeoutMs: 3_600_000 };
  const history = await readHistory(join(directory, 'history.jsonl'));
  const { workload, ...counts } = replayed(() =>
    replayOf(history as never, {
      speed: flags.speed,
      order: flags.order,
      workerCount: spec.workerCount,
      rng: new Random(spec.seed).fork('replay'),
    }),
  );
  const plain = castOf(spec);
  if (flags.restore && !plain.cluster.drills?.(spec.host).includes('restore'))
    throw new UsageError(`cluster ${spec.cluster} on ${spec.host} cannot be restored from a backup`);
  const cast: Cast = {
    ...plain,
    cluster: flags.restore ? restoredInBetween(plain.cluster) : plain.cluster,
    workload: workload as unknown as Cast['workload'],
    checkers: [...(workload.checkers as unknown as Cast['checkers']), ...plain.checkers.filter(isOfEveryRun)],
  };
  if (!quiet)
    process.stderr.write(
      `${counts.applied} transfers are rebuilt, then ${counts.requests} requests of them are sent again; ${counts.leftOut} requests are left out, of keys under which nothing was applied\n`,
    );
  await execute(
    spec,
    { store, quiet, json },
    { verb: 'replay-traffic', cast, command: commandOf(idOf(directory), flags, spec.seed) },
  );
}

const isOfEveryRun = ({ name }: { readonly name: string }): boolean => name === 'exercised' || name === 'statistics';

const keyed = (): readonly string[] =>
  rooms.workloads.all.filter(({ api }) => api === 'ledger').map(({ name }) => name);

function replayed<T>(make: () => T): T {
  try {
    return make();
  } catch (error) {
    throw new UsageError(sentenceOf(error));
  }
}

/** Once the books are rebuilt, the store is destroyed and restored from a backup, before anything is sent again. */
const restoredInBetween = (cluster: Cluster): Cluster => ({
  ...cluster,
  async up(options) {
    const running = await cluster.up(options);
    const recovered: RunningCluster['recovered'] = async (signal) => {
      await running.controls(CLUSTER_HOLD).drills?.begin({ name: 'restore', nodes: running.nodes });
      await running.release(CLUSTER_HOLD);
      await running.recovered(signal);
    };
    return new Proxy(running, {
      get(target, name) {
        if (name === 'recovered') return recovered;
        const member: unknown = Reflect.get(target, name, target);
        return typeof member === 'function' ? (member.bind(target) as unknown) : member;
      },
    });
  },
});

function commandOf(id: string, flags: ReplayFlags, seed: number): string {
  const words = ['ordeal', 'replay-traffic', id, '--into', flags.into];
  if (flags.host !== undefined) words.push('--host', flags.host);
  if (flags.nodes !== undefined) words.push('--nodes', flags.nodes);
  words.push('--speed', flags.speed, '--order', flags.order, '--seed', String(seed));
  return [...words, ...(flags.restore ? ['--restore'] : [])].join(' ');
}
