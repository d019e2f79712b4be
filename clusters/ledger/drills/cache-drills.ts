/** Troubles of the cache in front of balances: it is told to forget, or to hand out what is wrong, for a bounded time. */

import type { DrillMaker } from '../../hosts/controls/drills.ts';
import { type Address, CLIENTS } from '../../hosts/host.ts';
import { CACHE, CACHE_PORT, DRILL_LIMIT_MS } from '../terms.ts';

const ANSWER_MS = 3_000;

type Trouble = 'expire' | 'poison';
type Seen = Readonly<Record<Trouble, { readonly isInForce: boolean; readonly struck: number }>>;

const DONE: Readonly<Record<Trouble, string>> = {
  expire: 'were told that nothing is known',
  poison: 'got a balance that is wrong',
};

export const cacheDrill =
  (trouble: Trouble): DrillMaker =>
  (_, { deployment: { lab } }) => {
    const address = lab.address(CLIENTS, CACHE, CACHE_PORT);
    const make = (forMs: number) => ask(address, 'POST', `/trouble/${trouble}?forMs=${forMs}`);
    const expect = async (wanted: boolean) => {
      const { isInForce } = (await ask(address, 'GET', '/trouble'))[trouble];
      if (isInForce !== wanted) throw new Error(`the cache does ${wanted ? 'not ' : ''}${trouble} its entries`);
    };
    return {
      async begin() {
        await lab.guard.disturb(CACHE, ['make', trouble], () => make(DRILL_LIMIT_MS));
        await expect(true);
      },
      async seen() {
        const struck = await ask(address, 'GET', '/trouble')
          .then((seen) => seen[trouble].struck)
          .catch(() => 0);
        return { effective: struck > 0, observed: `${struck} requests to the cache ${DONE[trouble]}` };
      },
      async end() {
        await lab.guard.mend(CACHE, ['end', trouble], () => make(0));
        await expect(false);
      },
    };
  };

async function ask({ host, port }: Address, method: string, path: string): Promise<Seen> {
  const response = await fetch(`http://${host}:${port}${path}`, { method, signal: AbortSignal.timeout(ANSWER_MS) });
  if (!response.ok) throw new Error(`the cache answered ${response.status} to ${method} ${path}`);
  return (await response.json()) as Seen;
}
