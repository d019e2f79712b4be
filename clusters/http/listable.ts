/**
 * Before any load: can the effects of a service be listed at all? Without them no run would end in a verdict, so what is
 * wrong with how they are asked for is said at once.
 */

import { deadline } from '../../rig/clock.ts';
import type { ClusterOptions, RunningCluster } from '../../rig/contract.ts';
import { RequestError } from '../../rig/define.ts';
import { sentenceOf } from '../../rig/outcome.ts';

const LONGEST_MS = 20_000;
/** A service that has just been started may still be at work on its tables. */
const PATIENCE_MS = 3_000;
const RETRY_MS = 500;
/** Classes of error of a definition that is wrong in itself. */
const FOR_GOOD: readonly string[] = ['bad-address', 'bad-query'];

const isForGood = (error: unknown): boolean => error instanceof RequestError && FOR_GOOD.includes(error.errorClass);

/** The same cluster; takes it down and rejects with the place and the reason if its effects cannot be listed. */
export async function listable(
  running: RunningCluster,
  { clock, signal, progress }: Pick<ClusterOptions, 'clock' | 'signal' | 'progress'>,
): Promise<RunningCluster> {
  progress('listing the effects that are there');
  const untilNs = clock.nowNs() + PATIENCE_MS * 1e6;
  let reason = '';
  for (;;) {
    const limit = deadline(clock, LONGEST_MS, signal);
    try {
      await using client = await running.connect('service', running.nodes[0] as string);
      await client.effects(limit.signal);
      return running;
    } catch (error) {
      if (!signal.aborted || reason === '') reason = sentenceOf(error);
      if (signal.aborted || isForGood(error) || clock.nowNs() > untilNs) {
        await running[Symbol.asyncDispose]();
        throw new Error(`effects cannot be listed: ${reason}`, { cause: error });
      }
    } finally {
      limit.cancel();
    }
    await clock.sleep(RETRY_MS, signal);
  }
}
