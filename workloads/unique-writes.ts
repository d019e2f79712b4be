/** Workers write values of their own to shared registers and read them: what validators of registers are judged by. */

import type { RegisterInput, RegisterOutput } from '../checkers/models/register.ts';
import type { KeyValue, NodeId, Requests, WorkerContext } from '../rig/contract.ts';
import { finalRequests, KeysInTurn, type Rounds } from './rounds.ts';

/** Few keys, so that workers meet; not for long, so that what befell a key last is still to be seen in the end. */
const ROUNDS: Rounds = { keys: 4, requests: 60 };
const READS = 0.6;
/** Workers count their writes from multiples of this, so that a read tells whose write it saw. */
const VALUES_PER_WORKER = 1_000_000;

export type Asked = RegisterInput & { readonly f: 'read' | 'write'; readonly key: string };

/** `via`: by which node the next request goes. */
export function* readsAndWrites(
  context: WorkerContext,
  via: () => NodeId = () => context.node,
): Requests<Asked, RegisterOutput> {
  let written = context.worker * VALUES_PER_WORKER;
  for (const keys = new KeysInTurn(ROUNDS, context); ; ) {
    const key = keys.draw();
    const ask: Asked = context.rng.chance(READS) ? { f: 'read', key } : { f: 'write', key, value: ++written };
    const answer = yield { ask, via: via() };
    if (answer.type === 'ok') keys.spend();
  }
}

/** Every worker reads every key, so that each is read through each node. */
export const readsByAll = (context: WorkerContext): Requests<Asked, RegisterOutput> =>
  finalRequests<Asked, RegisterOutput>(
    ROUNDS,
    { ...context, worker: 0, workerCount: 1 },
    (key) => ({ f: 'read', key }),
    { isUsed: (output) => output !== null, again: () => false },
  );

export async function readOrWrite(kv: KeyValue, input: Asked, signal: AbortSignal): Promise<RegisterOutput> {
  if (input.f === 'read') return kv.get(input.key, signal);
  await kv.put(input.key, input.value, signal);
  return null;
}
