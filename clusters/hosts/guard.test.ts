/** The lease under which faults are in force, and the audit of every change, on plain processes and on namespaces. */

import { execFileSync } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { describeWith } from '../../rig/needs.ts';
import { Audit, type AuditLine, withoutSecrets } from './audit.ts';
import { patienceHere } from './guard.ts';
import type { Lab, LabDriver } from './host.ts';
import { loopback } from './loopback.ts';
import { netns } from './netns.ts';
import type { Impairment } from './impairment.ts';
import { signalProcess } from './process-table.ts';

/** Everything that these send is dropped. */
const dropped = (senders: readonly string[]): Impairment[] => senders.map((from) => ({ from, do: 'drop' }));

let directory: string;
beforeAll(async () => {
  directory = await mkdtemp(path.join(tmpdir(), 'ordeal-guard-'));
});
afterAll(() => rm(directory, { recursive: true, force: true }));

const settings = ['ORDEAL_LEASE_MS', 'ORDEAL_GRACE_MS', 'ORDEAL_LONGEST_FAULT_MS'];
afterEach(() => {
  for (const name of settings) delete process.env[name];
});

const audited = async (folder = directory): Promise<readonly AuditLine[]> =>
  (await readFile(path.join(folder, 'audit.jsonl'), 'utf8'))
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as AuditLine);

const open = async (driver: LabDriver, runId: string): Promise<Lab> =>
  driver.open({
    runId,
    system: 'trial',
    nodes: ['n1', 'n2'].map((id) => ({ id, ports: [7000] })),
    directory: await mkdtemp(path.join(directory, 'run-')),
    progress: () => {},
    signal: AbortSignal.timeout(60_000),
  });

async function guardianOf(runId: string): Promise<number> {
  for (const pid of (await readdir('/proc')).filter((name) => /^\d+$/.test(name))) {
    const environment = await readFile(`/proc/${pid}/environ`, 'latin1').catch(() => '');
    if (environment.includes(`ORDEAL_GUARDS=${runId}\0`)) return Number(pid);
  }
  throw new Error(`no watchdog of ${runId}`);
}

describe('the audit', () => {
  it('has a line when a change begins and one when it ends, with its exit code and how long it took', async () => {
    const audit = new Audit(directory, 'rig');
    expect(await audit.change('n1', ['ip', 'link'], async () => 'done')).toBe('done');
    const failing = audit.change('n2', ['false'], () =>
      Promise.reject(Object.assign(new Error('no'), { exitCode: 3 })),
    );
    await expect(failing).rejects.toThrow('no');
    audit.close();
    audit.note('too late');
    expect(await audited()).toMatchObject([
      { actor: 'rig', id: 0, node: 'n1', argv: ['ip', 'link'] },
      { actor: 'rig', id: 0, exitCode: 0, durationMs: expect.any(Number) },
      { actor: 'rig', id: 1, node: 'n2', argv: ['false'] },
      { actor: 'rig', id: 1, exitCode: 3, error: 'no' },
    ]);
  });

  it('holds no secrets, and nothing that is endless', () => {
    expect(withoutSecrets('--password=hunter2 --user=me')).toBe('--password=*** --user=me');
    expect(withoutSecrets('{"token": "abc", "port": 1}')).toBe('{"token": "***", "port": 1}');
    expect(withoutSecrets('postgres://me:hunter2@db/x')).toBe('postgres://***@db/x');
    expect(withoutSecrets('iptables -A INPUT -s 198.19.0.11 -j DROP')).toBe('iptables -A INPUT -s 198.19.0.11 -j DROP');
    expect(withoutSecrets('x'.repeat(1e6)).length).toBeLessThan(5_000);
  });
});

describe('the lease', () => {
  it('is what the environment says, within reason', () => {
    expect(patienceHere()).toEqual({ leaseMs: 5_000, graceMs: 30_000, longestFaultMs: 600_000 });
    process.env['ORDEAL_LEASE_MS'] = '700';
    expect(patienceHere().leaseMs).toBe(700);
    process.env['ORDEAL_LEASE_MS'] = 'for ever';
    expect(patienceHere).toThrow('ORDEAL_LEASE_MS is for ever; it must be milliseconds from 100 to 86400000');
  });

  it('is lost when the watchdog dies, and then nothing more is disturbed', async () => {
    const lab = await open(loopback, '5e1f0011');
    await lab.start('n1', { command: ['sleep', '300'] });
    signalProcess(await guardianOf('5e1f0011'), 'SIGKILL');
    await expect.poll(() => lab.guard.lost.aborted).toBe(true);
    await expect(lab.signal('n1', 'SIGSTOP')).rejects.toThrow('the watchdog of this run has ended');
    await expect(lab.impair('n1', dropped(['n2']))).rejects.toThrow('the watchdog of this run has ended');
    await expect(lab.start('n2', { command: ['sleep', '300'] })).rejects.toThrow('the watchdog of this run has ended');
    await lab.impair('n1', []);
    expect(await lab.state('n1')).toBe('running');
    await lab[Symbol.asyncDispose]();
    expect(await lab.state('n1')).toBe('gone');
  });

  it('is kept by a rig that does not stand still, and ends with the lab', async () => {
    process.env['ORDEAL_LEASE_MS'] = '3000';
    const lab = await open(loopback, '5e1f0012');
    await lab.impair('n1', dropped(['n2']));
    lab.guard.mustHold();
    await lab[Symbol.asyncDispose]();
    await expect(guardianOf('5e1f0012')).rejects.toThrow('no watchdog');
    expect(lab.guard.lost.aborted).toBe(false);
  });
});

describeWith(['root'], 'a fault on netns that is in force for longer than any may', () => {
  let lab: Lab;
  beforeEach(async () => {
    process.env['ORDEAL_LONGEST_FAULT_MS'] = '300';
    lab = await open(netns, '5e1f0013');
  });
  afterEach(() => lab[Symbol.asyncDispose]());

  it('is undone behind the back of the rig, which learns of it', async () => {
    const rules = () =>
      execFileSync('nsenter', ['--net=/run/netns/ordeal-5e1f0013-n1', 'iptables-save'], { encoding: 'utf8' });
    await lab.start('n1', { command: ['sleep', '300'] });
    lab.guard.hold('too-long', false);
    await lab.impair('n1', dropped(['n2']));
    await lab.signal('n1', 'SIGSTOP');
    expect(rules()).toContain('ordeal-5e1f0013');
    await expect.poll(rules, { timeout: 15_000 }).not.toContain('ordeal-5e1f0013');
    await expect.poll(() => lab.state('n1'), { timeout: 15_000 }).toBe('running');
    expect(() => lab.guard.mustHold()).toThrow(/"too-long" was in force for longer than 0.3 s/);
  });

  it('goes with its cluster where only the system itself could undo it', async () => {
    const places = async () => (await readdir('/run/netns')).filter((name) => name.startsWith('ordeal-5e1f0013'));
    await lab.start('n1', { command: ['sleep', '300'] });
    lab.guard.hold('undone-in-time', true);
    lab.guard.letGo('undone-in-time');
    lab.guard.hold('left', true);
    expect(await places()).not.toEqual([]);
    await expect.poll(places, { timeout: 15_000 }).toEqual([]);
    expect(await lab.state('n1')).toBe('gone');
    expect(() => lab.guard.mustHold()).toThrow(/its cluster was taken down, for nothing else undoes "left"$/);
  });
});
