/** Processes that die at a place in the code, the next time a transfer comes by there; afterwards they are started again. */

import { setTimeout as sleep } from 'node:timers/promises';
import type { DrillMaker } from '../../hosts/controls/drills.ts';
import { CLIENTS } from '../../hosts/host.ts';
import { DRILL_LIMIT_MS, LEDGER_PORT } from '../terms.ts';

const ANSWER_MS = 1_000;
const ARM_MS = 4_000;
const SERVES_MS = 20_000;
const PAUSE_MS = 100;
const ARM_AGAIN_MS = 500;

export const crashDrill: DrillMaker = ({ nodes, how }, { deployment: { lab }, start }) => {
  const tell = async (node: string, crashAt: string | null) => {
    const { host, port } = lab.address(CLIENTS, node, LEDGER_PORT);
    const response = await fetch(`http://${host}:${port}/drill`, {
      method: 'POST',
      body: JSON.stringify({ crashAt }),
      signal: AbortSignal.timeout(ANSWER_MS),
    });
    if (!response.ok) throw new Error(`${node} answered ${response.status} when it was told to crash at ${crashAt}`);
  };
  const isGone = async (node: string) => (await lab.state(node)) === 'gone';
  const crashed = new Set<string>();
  let isOver = false;
  let watching: Promise<unknown> = Promise.resolve();
  return {
    async begin() {
      const arm = (node: string) => lab.guard.disturb(node, ['crash at', how ?? ''], () => tell(node, how ?? null));
      await Promise.all(nodes.map((node) => again(ARM_MS, () => arm(node)).catch(() => {})));
      // Whoever could not be reached, or was started since, because of another fault, is armed as soon as may be.
      const untilMs = performance.now() + DRILL_LIMIT_MS;
      const keepArmed = async (node: string) => {
        for (; !isOver && !crashed.has(node) && performance.now() < untilMs; await sleep(ARM_AGAIN_MS))
          if (!(await isGone(node).catch(() => true))) await arm(node).catch(() => {});
      };
      watching = Promise.all(nodes.map(keepArmed));
    },
    async seen() {
      for (const node of nodes) if (await isGone(node).catch(() => false)) crashed.add(node);
      const who = [...crashed].sort().join(' and ') || 'nobody';
      return { effective: crashed.size > 0, observed: `${who} died at the place "${how}"` };
    },
    async end(signal) {
      isOver = true;
      await watching;
      for (const node of nodes) {
        // A process that was started since does not know of it; others may have killed, and started, it meanwhile.
        const settle = async () => {
          if (await isGone(node)) await start(node);
          else if (!crashed.has(node)) await tell(node, null).catch(unlessNobodyListens);
        };
        await again(SERVES_MS, settle, signal);
      }
    },
  };
};

/** A process that does not listen yet was started since. */
function unlessNobodyListens(error: Error & { readonly cause?: { readonly code?: string } }): void {
  if (error.cause?.code !== 'ECONNREFUSED') throw error;
}

async function again(ms: number, act: () => Promise<void>, signal?: AbortSignal): Promise<void> {
  for (const untilMs = performance.now() + ms; ; ) {
    try {
      return await act();
    } catch (error) {
      if (performance.now() > untilMs || signal?.aborted) throw error;
    }
    await sleep(PAUSE_MS);
  }
}
