/** How fast a partition of five docker nodes is in force and healed, beside plain executions on the same engine in the same run. */

import { benchPartition } from '../rooms.ts';

export async function benchPartitions(): Promise<void> {
  const { rounds, inForceMs, healedMs, fiveExecutionsMs } = await benchPartition();
  const beside = (ms: number) => `${ms.toFixed(0)} ms, ${(ms / fiveExecutionsMs).toFixed(2)} of five executions`;
  console.log(`medians over ${rounds} partitions of five docker nodes`);
  console.log(`in force after its entry in the journal   ${beside(inForceMs)}`);
  console.log(`healed after the order to                 ${beside(healedMs)}`);
  console.log(`docker exec … true, five in a row         ${fiveExecutionsMs.toFixed(0)} ms`);
}
