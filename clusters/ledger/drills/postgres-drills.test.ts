/** The two databases of the ledger for real: a replica that stands still, and takes over all the same. */

import { afterEach, expect, it } from 'vitest';
import type { Client, Drill, Ledger } from '../../../rig/contract.ts';
import { describeWith } from '../../../rig/needs.ts';
import { TrialCluster } from '../../trial-cluster.ts';
import { ledger } from '../ledger.ts';
import { OPENING_BALANCE } from '../terms.ts';

const LONG = { timeout: 120_000 };
const soon = () => AbortSignal.timeout(10_000);
const move = (client: Ledger, key: string) => client.transfer({ key, from: 'a1', to: 'a2', amount: 5 }, soon());
/** Until there is a primary again. */
const insist = (client: Ledger, key: string) =>
  expect.poll(() => move(client, key).then(({ replayed }) => ({ replayed })), { timeout: 15_000 });

describeWith(['docker'], 'drills of the ledger on docker', () => {
  const trial = new TrialCluster(ledger, 'docker');
  afterEach(() => trial.down(), 60_000);
  const drill = (hold: string, name: Drill['name']) => trial.controls(hold).drills.begin({ name, nodes: [] });

  it('keep a replica from following, which then takes over with every key', LONG, async () => {
    await trial.up();
    await using client: Client<'ledger'> = await trial.running.connect('ledger', 'n1');
    await drill('lag', 'replica-lag');
    const { id } = await move(client, 'k');
    await drill('expiry', 'cache-expiry');
    expect(await client.balance('a1', soon(), true)).toMatchObject({ balance: OPENING_BALANCE });
    expect(await trial.running.inspect('lag')).toMatchObject({ effective: true });

    await drill('over', 'failover');
    expect((await trial.running.inspect('over')).observed).toContain('replica became the primary');
    await insist(client, 'k').toEqual({ replayed: true });
    expect(await move(client, 'k')).toMatchObject({ id });
    expect(await move(client, 'k2')).toMatchObject({ replayed: false });
    for (const hold of ['lag', 'expiry']) await trial.running.release(hold);
    await trial.released('over');
    expect(await client.applied(soon())).toMatchObject([{ key: 'k' }, { key: 'k2' }]);
  });

  it('show what a replica does not have: with key-not-replicated, a transfer is applied again', LONG, async () => {
    await trial.up({ variant: 'key-not-replicated' });
    await using client: Client<'ledger'> = await trial.running.connect('ledger', 'n1');
    await move(client, 'k');
    expect(await move(client, 'k')).toMatchObject({ replayed: true });
    await drill('over', 'failover');
    await insist(client, 'k').toEqual({ replayed: false });
    expect((await client.applied(soon())).filter(({ key }) => key === 'k')).toHaveLength(2);
  });
});
