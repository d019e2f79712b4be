/** Troubles of the cache in front of balances: it is told to forget, or to hand out what is wrong, for a bounded time. */

import type { DrillMaker } from '../../hosts/controls/drills.ts';
import { type Address, CLIENTS } from '../../hosts/host.ts';
import { CACHE, CACHE_PORT, DRILL_LIMIT_MS } from '../terms.ts';

const ANSWER_MS = 3_000;

type Trouble = { readonly kind: string; readonly struck: number };

/** `expire` or `poison`. */
export const cacheDrill =
  (kind: 'expire' | 'poison'): DrillMaker =>
  (_, { deployment: { lab } }) => {
    const address = lab.address(CLIENTS, CACHE, CACHE_PORT);
    const done = kind === 'expire' ? 'were told that nothing is known' : 'got a balance that is wrong';
    return {
      async begin() {
        const argv = ['trouble', kind];
        await lab.guard.disturb(CACHE, argv, () => ask(address, 'POST', `/trouble/${kind}?forMs=${DRILL_LIMIT_MS}`));
        await expectTrouble(address, kind);
      },
      async seen() {
        const { struck } = await ask(address, 'GET', '/trouble').catch(() => ({ struck: 0 }));
        return { effective: struck > 0, observed: `${struck} requests to the cache ${done}` };
      },
      async end() {
        await lab.guard.mend(CACHE, ['trouble', 'none'], () => ask(address, 'POST', '/trouble/none'));
        await expectTrouble(address, 'none');
      },
    };
  };

async function expectTrouble(address: Address, wanted: string): Promise<void> {
  const { kind } = await ask(address, 'GET', '/trouble');
  if (kind !== wanted) throw new Error(`the cache was to be in the state ${wanted}, and is in the state ${kind}`);
}

async function ask({ host, port }: Address, method: string, path: string): Promise<Trouble> {
  const response = await fetch(`http://${host}:${port}${path}`, { method, signal: AbortSignal.timeout(ANSWER_MS) });
  if (!response.ok) throw new Error(`the cache answered ${response.status} to ${method} ${path}`);
  return (await response.json()) as Trouble;
}
