/** The driver `netns`: what it refuses, what it sweeps, and whose rules it leaves alone. */

import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { describeWith } from '../../rig/needs.ts';
import type { LabPlan } from './host.ts';
import { netns } from './netns.ts';
import { processesOfRun } from './process-table.ts';
import { runCommand } from './run-command.ts';
import type { Impairment } from './impairment.ts';
import { canEnterUserNamespace, userNamespace } from './user-namespace.ts';

/** Everything that these send is dropped. */
const dropped = (senders: readonly string[]): Impairment[] => senders.map((from) => ({ from, do: 'drop' }));

const ids = ['5e1f0001', '5e1f0002', '5e1f0003', '5e1f0004', '5e1f0006'] as const;

describeWith(['root'], 'the host netns', () => {
  let directory: string;
  beforeAll(async () => {
    directory = await mkdtemp(path.join(tmpdir(), 'ordeal-netns-'));
  });
  afterAll(async () => {
    for (const id of ids) await netns.sweep(id);
    await rm(directory, { recursive: true, force: true });
  });

  const plan = (runId: string, more: Partial<LabPlan> = {}): LabPlan => ({
    runId,
    system: 'trial',
    nodes: ['n1', 'n2'].map((id) => ({ id, ports: [7000] })),
    directory,
    progress: () => {},
    signal: AbortSignal.timeout(30_000),
    ...more,
  });
  const left = async (runId: string) => [
    ...(await readdir('/run/netns')).filter((name) => name.includes(runId)),
    ...(await readdir('/sys/class/net')).filter((name) => name.includes(runId)),
    ...processesOfRun(runId),
  ];

  it('can do all it needs here', async () => {
    expect((await netns.probe()).filter((capability) => !capability.available)).toEqual([]);
  });

  it('refuses a system whose programs are not installed, with the way out, before it makes anything', async () => {
    const nodes = [{ id: 'n1', ports: [], executables: [{ name: 'no-such-server', install: 'no-such-package' }] }];
    const opening = netns.open(plan(ids[0], { nodes }));
    await expect(opening).rejects.toThrow('no-such-server is not installed: apt-get install no-such-package');
    expect(await left(ids[0])).toEqual([]);
  });

  it('leaves nothing when it is interrupted while it makes its network', async () => {
    await expect(netns.open(plan(ids[1], { signal: AbortSignal.abort(new Error('enough')) }))).rejects.toThrow(
      'enough',
    );
    expect(await left(ids[1])).toEqual([]);
  });

  it('sweeps a run by its name alone, stopped processes and children in sessions of their own included', async () => {
    const lab = await netns.open(plan(ids[2]));
    const command = ['sh', '-c', 'setsid env -i sleep 1000 & setsid sleep 1000 & exec sleep 1000'] as const;
    await lab.start('n1', { command });
    await lab.impair('n1', dropped(['n2']));
    await expect.poll(async () => (await left(ids[2])).length).toBeGreaterThanOrEqual(6);
    await lab.signal('n1', 'SIGSTOP');
    const removed = await netns.sweep(ids[2]);
    expect(removed.filter((line) => line.startsWith('process'))).toHaveLength(3);
    expect(removed.filter((line) => line.startsWith('network namespace'))).toHaveLength(3);
    expect([await left(ids[2]), await netns.sweep(ids[2])]).toEqual([[], []]);
  });

  it('takes back its own rules and no others', async () => {
    await using lab = await netns.open(plan(ids[3]));
    const rules = () =>
      lab.execute('n1', ['iptables-save', '-t', 'filter']).then((text) => text.replace(/^#.*\n/gm, ''));
    await lab.execute('n1', ['iptables', '-A', 'INPUT', '-s', '192.0.2.1', '-j', 'DROP']);
    const before = await rules();
    await lab.impair('n1', dropped(['n2', 'clients']));
    await lab.impair('clients', dropped(['n1']));
    expect((await rules()).match(/--comment "?ordeal-5e1f0004\/\S+ -j DROP/g)).toHaveLength(3);
    await lab.impair('n1', []);
    await lab.impair('clients', []);
    expect(await rules()).toBe(before);
  });

  it('sets its rules anew when somebody else has removed or changed them', async () => {
    await using lab = await netns.open(plan(ids[4]));
    const rules = () => lab.execute('n1', ['iptables-save', '-t', 'filter']);
    const drops = async () => (await rules()).match(/-j DROP/g)?.length ?? 0;
    await lab.impair('n1', dropped(['n2']));
    expect(await netns.heal(ids[4])).toEqual([`rules in ordeal-${ids[4]}-n1`]);
    expect([await drops(), await netns.heal(ids[4])]).toEqual([0, []]);
    await lab.impair('n1', dropped(['n2', 'clients']));
    expect(await drops()).toBe(2);
    await lab.execute('n1', ['iptables', '-F', `ordeal-${ids[4]}-in`]);
    await lab.impair('n1', dropped(['n2']));
    expect(await drops()).toBe(1);
    await netns.heal(ids[4]);
    await lab.impair('n1', []);
    expect(await rules()).not.toContain('ordeal');
  });

  it('can be had without privilege where user namespaces are allowed', async () => {
    if ((await canEnterUserNamespace()) !== null) return;
    const nobody = ['setpriv', '--reuid=65534', '--regid=65534', '--clear-groups'] as const;
    const made = await runCommand([
      ...nobody,
      ...userNamespace,
      'sh',
      '-c',
      'mount -t tmpfs tmpfs /run && ip netns add a && ip netns list',
    ]);
    expect(made.trim()).toBe('a');
  });
});
