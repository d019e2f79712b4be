/** How much later an answer comes through the traffic control than directly, in turns within one run. */

import { proxyOverhead } from '../rooms.ts';

const REQUESTS = 5_000;
const MOST_ADDED_MS = 0.3;

/** Prints both medians, and what lies between them. */
export async function benchTraffic(): Promise<void> {
  const { directMs, throughMs, addedMs } = await proxyOverhead(REQUESTS);
  console.log(`${REQUESTS} keyed requests each, one after the other, to a server that does nothing, median\n`);
  console.log(`direct                       ${directMs.toFixed(3)} ms`);
  console.log(`through the traffic control  ${throughMs.toFixed(3)} ms`);
  console.log(`\nadded ${addedMs.toFixed(3)} ms; it is to add less than ${MOST_ADDED_MS} ms`);
}
