/** Members of a real etcd are upgraded one after the other, keep what they know, and go back. */

import { afterAll, beforeAll, expect, it } from 'vitest';
import { describeWith } from '../../rig/needs.ts';
import { carries, processesOfRun, titleOf } from '../hosts/process-table.ts';
import { TrialCluster } from '../trial-cluster.ts';
import { etcd } from './etcd.ts';

const needs = { docker: ['docker'], netns: ['root', 'etcd'] } as const;

for (const host of ['docker', 'netns'] as const)
  describeWith(needs[host], `members of etcd on ${host}`, () => {
    const trial = new TrialCluster(etcd, host);
    /** The nodes whose processes were started as the other version. */
    const upgraded = () =>
      ['n1', 'n2', 'n3'].filter((node) =>
        processesOfRun(trial.runId).some(
          (pid) => carries(pid, 'ORDEAL_NODE', node) && titleOf(pid).includes('--pre-vote'),
        ),
      );
    beforeAll(() => trial.up({ controls: ['processes', 'upgrades'] }), 250_000);
    afterAll(() => trial.down(), 60_000);

    it('run another version on the data of the first, also when they are killed, and go back', {
      timeout: 120_000,
    }, async () => {
      await trial.write('n1', 'kept', 'before');
      await trial.controls('roll').upgrades.roll(['n1', 'n2']);
      expect(upgraded()).toEqual(['n1', 'n2']);
      expect((await trial.running.inspect('roll')).observed).toMatch(/^n1 serves as .*; n2 serves as /);
      expect(await trial.write('n1', 'kept', 'upgraded')).toBe('before');

      await trial.controls('kill').processes.kill(['n1']);
      await trial.released('kill');
      expect(await trial.write('n1', 'kept', 'killed')).toBe('upgraded');
      expect(upgraded()).toEqual(['n1', 'n2']);

      await trial.released('roll');
      for (const node of ['n1', 'n2', 'n3']) expect(await trial.write(node, 'kept', 'back')).toMatch(/killed|back/);
      await trial.running.release('roll');
      expect(upgraded()).toEqual([]);
    });

    it('that are not there cannot be upgraded', async () => {
      await expect(trial.controls('none').upgrades.roll(['n9'])).rejects.toThrow('n9 cannot be upgraded here');
    });
  });
