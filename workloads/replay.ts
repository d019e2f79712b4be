/**
 * Recorded traffic once more. First the books are rebuilt: what was applied is asked for in the order in which it was, one
 * after the other, so the same is applied again. Then every recorded request is sent again under its own key, as many at
 * once as there are workers; now that must change nothing. Requests of keys that were never applied are left out: whether
 * they are depends on the order.
 */

import { digestOf, replayed } from '../checkers/replayed.ts';
import { exactlyOnce, type TransfersInput, type TransfersOutput } from '../checkers/exactly-once.ts';
import type { AppliedTransfer, Directed, NodeId, Workload } from '../rig/contract.ts';
import { type History, OK } from '../rig/history.ts';
import type { Random } from '../rig/random.ts';
import { type Asking, insist, invoke, type KeyedTransfer, SEMANTICS } from './keyed-transfers.ts';

export interface ReplayManner {
  /** `recorded`: with the recorded pauses between the requests of one worker; `maximal`: without. */
  readonly speed: 'recorded' | 'maximal';
  readonly order: 'recorded' | 'shuffled';
  readonly workerCount: number;
  readonly rng: Random;
}

export interface Replay {
  readonly workload: Workload<'ledger', TransfersInput, TransfersOutput>;
  readonly applied: number;
  /** Requests that are sent once the books are rebuilt. */
  readonly requests: number;
  readonly leftOut: number;
}

/** One recorded request, and how long its worker had waited before it. */
interface Recorded {
  readonly input: KeyedTransfer;
  readonly node: NodeId;
  readonly worker: number;
  readonly pauseMs: number;
}

const READ_TRIES = 20;
const READ_RETRY_MS = 250;
/** Longer than a sound service works on a request that nobody waits for any more. */
const SETTLE_MS = 1_500;

/** @throws Error with a sentence, if there is nothing in the history that a replay could be compared with. */
export function replayOf(history: History<TransfersInput, TransfersOutput>, manner: ReplayManner): Replay {
  const applied = appliedIn(history);
  const names = new Set(applied.map(({ from, key }) => nameOf(from, key)));
  if (names.size < applied.length)
    throw new Error('the recorded run itself applied a transfer twice: there is no state that a replay could equal');
  if (applied.length === 0) throw new Error('the recorded run applied nothing');
  const all = recordedIn(history, manner.workerCount);
  const known = all.filter(({ input }) => names.has(nameOf(input.from, input.key)));
  const ordered = manner.order === 'shuffled' ? manner.rng.shuffle(known) : known;
  let working = manner.workerCount;
  const workload: Replay['workload'] = {
    name: 'replay',
    summary: 'sends recorded requests again, keys included',
    api: 'ledger',
    checkers: [exactlyOnce, replayed],
    semantics: SEMANTICS,
    *generator(context) {
      if (context.worker !== 0) return;
      for (const { key, from, to, amount } of applied) yield* insist(context, { f: 'transfer', key, from, to, amount });
      yield* read(context.nodes, { f: 'applied', expected: digestOf(applied) });
      yield* read(context.nodes, { f: 'accounts' });
    },
    *finalGenerator({ worker, nodes, node }) {
      const isMine = (at: number, recorded: Recorded) =>
        manner.order === 'shuffled' ? at % manner.workerCount === worker : recorded.worker === worker;
      for (const [at, recorded] of ordered.entries()) {
        if (!isMine(at, recorded)) continue;
        const via = nodes.includes(recorded.node) ? recorded.node : node;
        const directed: Directed<TransfersInput> = { ask: recorded.input, via };
        yield manner.speed === 'maximal' ? directed : { ...directed, afterMs: recorded.pauseMs };
      }
      if (--working > 0) return;
      // Whoever is last.
      yield* read(nodes, { f: 'applied' }, SETTLE_MS);
      yield* read(nodes, { f: 'accounts' });
    },
    invoke,
  };
  return { workload, applied: applied.length, requests: known.length, leftOut: all.length - known.length };
}

function* read(nodes: readonly NodeId[], ask: TransfersInput, firstAfterMs = 0): Asking<void> {
  for (let attempt = 0; attempt < READ_TRIES; attempt++) {
    const afterMs = attempt === 0 ? firstAfterMs : READ_RETRY_MS;
    const answer = yield { ask, via: nodes[attempt % nodes.length] as NodeId, afterMs };
    if (answer.type === 'ok') return;
  }
}

const nameOf = (from: string, key: string): string => JSON.stringify([from, key]);

/** The last list that was read, which must be of the end. */
function appliedIn(history: History<TransfersInput, TransfersOutput>): readonly AppliedTransfer[] {
  for (let at = history.length - 1; at >= 0; at--) {
    const { f } = history.input(at);
    if (f === 'transfer') break;
    if (f === 'applied' && history.type[at] === OK) return history.output(at) as readonly AppliedTransfer[];
  }
  throw new Error('the recorded run did not read what was applied after its last transfer, so nothing can be compared');
}

function recordedIn(history: History<TransfersInput, TransfersOutput>, workerCount: number): readonly Recorded[] {
  const recorded: Recorded[] = [];
  const freeNs = new Map<number, number>();
  for (let at = 0; at < history.length; at++) {
    const worker = (history.process[at] as number) % workerCount;
    const beganNs = history.invokedNs[at] as number;
    const endedNs = history.endedNs(at);
    const input = history.input(at);
    if (input.f !== 'transfer') continue;
    const pauseMs = Math.max(0, Math.round((beganNs - (freeNs.get(worker) ?? 0)) / 1e6));
    freeNs.set(worker, Number.isNaN(endedNs) ? beganNs : endedNs);
    const { key, from, to, amount } = input;
    const node = history.nodes[history.node[at] as number] as NodeId;
    recorded.push({ input: { f: 'transfer', key, from, to, amount }, node, worker, pauseMs });
  }
  return recorded;
}
