/** What every cluster on hosts owes, tried for real with a tiny server on each driver: holds, release, recovery, nothing left. */

import { execFileSync } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { RealClock } from '../../rig/clock.ts';
import type { ClusterOptions, RunningCluster } from '../../rig/contract.ts';
import { describeWith } from '../../rig/needs.ts';
import { Random } from '../../rig/random.ts';
import { docker } from './docker.ts';
import { type Address, CLIENTS, type LabDriver } from './host.ts';
import { type Deployment, onHosts, type SystemDefinition } from './hosted.ts';
import { loopback } from './loopback.ts';
import { netns } from './netns.ts';
import { processesOfRun } from './process-table.ts';

const port = 7000;
const nodes = ['n1', 'n2', 'n3'];

/** Answers each connection with how often it has been started, which it keeps in its data folder. */
const server = `
  use IO::Socket::INET; $| = 1;
  open(my $in, '<', 'starts'); my $starts = ($in ? <$in> : 0) + 1;
  open(my $out, '>', 'starts'); print $out $starts; close $out;
  my $listener = IO::Socket::INET->new(LocalAddr => shift, LocalPort => shift, Listen => 9, ReuseAddr => 1) or die "cannot listen: $!";
  print "started $starts\\n";
  while (my $client = $listener->accept) { print $client "$starts\\n"; close $client; }
`;

/** What a node, or the rig, gets of another: the number of its starts, or `null` if nothing comes. */
const asking = `
  use IO::Socket::INET;
  my $peer = IO::Socket::INET->new(PeerAddr => shift, PeerPort => shift, Timeout => 1) or do { print 'null'; exit 0 };
  $SIG{ALRM} = sub { print 'null'; exit }; alarm 1; print 0 + <$peer>;
`;

const ask = ({ host, port }: Address): Promise<number | null> =>
  new Promise((resolve) => {
    const socket = connect({ host, port, timeout: 1000 });
    socket.once('data', (data) => resolve(Number(data.toString())));
    for (const end of ['timeout', 'error', 'close']) {
      socket.once(end, () => {
        socket.destroy();
        resolve(null);
      });
    }
  });

class Trial {
  readonly runId = new Random(process.hrtime().join()).fork('run').integer(0x10000000, 0xffffffff).toString(16);
  readonly clock = new RealClock();
  deployment!: Deployment;
  cluster!: RunningCluster;
  readonly #driver: LabDriver;
  readonly #program: readonly [string, ...string[]];
  readonly #holds = new Set<string>();
  #directory = '';

  constructor(driver: LabDriver, program: readonly [string, ...string[]] = ['perl', '-e', server]) {
    this.#driver = driver;
    this.#program = program;
  }

  async up(signal = AbortSignal.timeout(60_000)): Promise<this> {
    this.#directory = await mkdtemp(path.join(tmpdir(), 'ordeal-hosted-'));
    const image = path.join(this.#directory, 'image');
    execFileSync('mkdir', [image]);
    await writeFile(path.join(image, 'Dockerfile'), 'FROM debian:bookworm-slim\n');
    const system: SystemDefinition = {
      name: 'trial',
      summary: 'A server that counts its starts.',
      controls: ['network', 'processes'],
      variants: {},
      nodeCounts: { default: 3, allowed: [3] },
      hosts: [this.#driver],
      apis: {},
      members: () => ({ nodes }),
      parties: () => [...nodes, CLIENTS],
      plan: (id) => ({
        id,
        ports: [port],
        image: { name: 'trial', directory: image },
        executables: [{ name: 'perl', install: 'perl' }],
      }),
      program: (node, deployment) => {
        this.deployment = deployment;
        const listen = deployment.lab.listen(node, port);
        return { command: [...this.#program, listen.host, String(listen.port)] };
      },
      ready: async (node) => {
        if ((await this.asksFromRig(node)) === null) throw new Error('no answer');
      },
      primaries: async () => ['n1'],
    };
    const options: ClusterOptions = {
      runId: this.runId,
      host: this.#driver.name,
      variant: null,
      nodeCount: 3,
      directory: this.#directory,
      rng: new Random(1),
      clock: this.clock,
      progress: () => {},
      signal,
    };
    this.cluster = await onHosts(system).up(options);
    return this;
  }

  asksFromRig(node: string): Promise<number | null> {
    return ask(this.deployment.lab.address(CLIENTS, node, port));
  }

  async asks(from: string, to: string): Promise<number | null> {
    const address = this.deployment.lab.address(from, to, port);
    const command = ['perl', '-e', asking, address.host, String(address.port)] as const;
    return JSON.parse(await this.deployment.lab.execute(from, command)) as number | null;
  }

  drop = async (hold: string, from: string[], to: string[]) => this.#controls(hold).network?.drop(from, to);
  kill = async (hold: string, names: string[]) => this.#controls(hold).processes?.kill(names);
  pause = async (hold: string, names: string[]) => this.#controls(hold).processes?.pause(names);
  recovered = () => this.cluster.recovered(AbortSignal.timeout(20_000));

  #controls(hold: string) {
    this.#holds.add(hold);
    return this.cluster.controls(hold);
  }

  /** Lets go of all that a test has held, so that one which fails does not fail the next. */
  async mend(): Promise<void> {
    await Promise.allSettled([...this.#holds].map((hold) => this.cluster.release(hold)));
    this.#holds.clear();
  }

  async down(): Promise<void> {
    await this.cluster?.[Symbol.asyncDispose]();
    await rm(this.#directory, { recursive: true, force: true });
  }

  /** Everything on this machine that carries the run's id. */
  left(): string {
    const filter = ['--filter', `label=ordeal.run=${this.runId}`];
    const looks: readonly (readonly [string, ...string[]])[] = {
      docker: [['docker', 'ps', '-aq', ...filter] as const, ['docker', 'network', 'ls', '-q', ...filter] as const],
      netns: [['ip', 'netns', 'list'] as const, ['ip', '-oneline', 'link'] as const, ['iptables-save'] as const],
      loopback: [],
      memory: [],
      attached: [],
    }[this.#driver.name];
    return [...looks.map(([file, ...args]) => execFileSync(file, args)), processesOfRun(this.runId).join(' ')]
      .join('\n')
      .split('\n')
      .filter((line) => line.includes(this.runId) || /^[0-9a-f]{12}$/.test(line) || /^\d+( \d+)*$/.test(line))
      .join('\n');
  }
}

for (const [driver, needs] of [
  [docker, ['docker', 'root'] as const],
  [loopback, [] as const],
  [netns, ['root'] as const],
] as const) {
  describeWith(needs, `a cluster on ${driver.name}`, () => {
    const trial = new Trial(driver);
    beforeAll(() => trial.up());
    afterEach(() => trial.mend());
    afterAll(() => trial.down());

    it('serves the rig and lets every node hear every other', async () => {
      expect(await Promise.all(nodes.map((node) => trial.asksFromRig(node)))).toEqual([1, 1, 1]);
      expect(await trial.asks('n1', 'n2')).toBe(1);
    });

    it('drops what one node sends another, counts it, and lets it pass after the release', async () => {
      await trial.drop('cut', ['n1'], ['n2']);
      expect(await trial.asks('n1', 'n2')).toBeNull();
      expect(await trial.asks('n1', 'n3')).toBe(1);
      expect(await trial.asksFromRig('n2')).toBe(1);
      const evidence = await trial.cluster.inspect('cut');
      expect(evidence).toMatchObject({
        effective: true,
        observed: expect.stringMatching(/^[1-9]\d* packets? did not reach n2$/),
      });
      await trial.cluster.release('cut');
      expect(await trial.asks('n1', 'n2')).toBe(1);
      expect(await trial.cluster.inspect('cut')).toEqual(evidence);
    });

    it('calls a cut through which nothing was sent without effect', async () => {
      await trial.drop('idle', ['n3'], ['n2']);
      expect((await trial.cluster.inspect('idle')).effective).toBe(false);
      await trial.cluster.release('idle');
    });

    it('cuts off the rig’s clients when they are named, either way', async () => {
      await trial.drop('deaf-clients', ['n1'], [CLIENTS]);
      expect(await trial.asksFromRig('n1')).toBeNull();
      expect(await trial.asks('n2', 'n1')).toBe(1);
      expect((await trial.cluster.inspect('deaf-clients')).observed).toMatch(
        /^[1-9]\d* packets? did not reach clients$/,
      );
      await trial.cluster.release('deaf-clients');
      await trial.drop('deaf-node', [CLIENTS], ['n1']);
      expect(await trial.asksFromRig('n1')).toBeNull();
      await trial.cluster.release('deaf-node');
      expect(await trial.asksFromRig('n1')).toBe(1);
    });

    it('keeps what one hold wants when another that wanted the same is released', async () => {
      await trial.drop('first', ['n1'], ['n2']);
      await trial.drop('second', ['n1', 'n3'], ['n2']);
      await trial.cluster.release('second');
      expect([await trial.asks('n1', 'n2'), await trial.asks('n3', 'n2')]).toEqual([null, 1]);
      await trial.cluster.release('first');
      expect(await trial.asks('n1', 'n2')).toBe(1);
    });

    it('starts a killed node again on its data, still deaf to whom another hold made it deaf', async () => {
      await trial.drop('net', ['n1'], ['n3']);
      await trial.kill('kill', ['n3']);
      expect(await trial.deployment.lab.state('n3')).toBe('gone');
      expect(await trial.cluster.inspect('kill')).toEqual({
        effective: true,
        observed: 'the process of n3 was seen gone',
      });
      await trial.cluster.release('kill');
      await trial.cluster.recovered(AbortSignal.timeout(20_000));
      expect([await trial.asksFromRig('n3'), await trial.asks('n1', 'n3')]).toEqual([2, null]);
      await trial.cluster.release('net');
      expect(await trial.asks('n1', 'n3')).toBe(2);
    });

    it('holds a node that is both killed and paused in whatever order they are released', async () => {
      await trial.pause('pause', ['n2']);
      expect(await trial.deployment.lab.state('n2')).toBe('stopped');
      await trial.kill('kill-paused', ['n2']);
      expect(await trial.deployment.lab.state('n2')).toBe('gone');
      await trial.cluster.release('kill-paused');
      expect(await trial.deployment.lab.state('n2')).toBe('stopped');
      await trial.cluster.release('pause');
      await trial.recovered();
      await trial.kill('kill-first', ['n2']);
      await trial.pause('pause-killed', ['n2']);
      expect((await trial.cluster.inspect('pause-killed')).effective).toBe(false);
      await trial.cluster.release('pause-killed');
      expect(await trial.deployment.lab.state('n2')).toBe('gone');
      await trial.cluster.release('kill-first');
      await trial.recovered();
      expect(await trial.asksFromRig('n2')).toBe(3);
    });

    it('cuts and mends the network of a paused node', async () => {
      await trial.pause('frozen', ['n1']);
      await trial.drop('frozen-cut', ['n2'], ['n1']);
      await trial.cluster.release('frozen');
      expect(await trial.asks('n2', 'n1')).toBeNull();
      await trial.cluster.release('frozen-cut');
      expect(await trial.asks('n2', 'n1')).toBe(1);
    });

    it('undoes everything of many holds released at once, twice, and in any order', async () => {
      const work = [
        trial.drop('a', nodes, nodes),
        trial.pause('b', ['n1']),
        trial.kill('c', ['n3']),
        trial.drop('d', ['n1'], ['n3']),
      ];
      await Promise.all(work);
      await Promise.all(['c', 'a', 'a', 'd', 'b', 'c'].map((hold) => trial.cluster.release(hold)));
      await trial.recovered();
      for (const [from, to] of [
        ['n1', 'n2'],
        ['n2', 'n3'],
        ['n3', 'n1'],
      ] as const) {
        expect(await trial.asks(from, to)).not.toBeNull();
      }
      await trial.cluster.release('never-held');
    });

    it('lets a kill and a pause of one node be asked for at the same moment', async () => {
      await Promise.all([trial.pause('p', ['n1', 'n2']), trial.kill('k', ['n1']), trial.pause('q', ['n1'])]);
      expect((await trial.cluster.inspect('k')).effective).toBe(true);
      expect((await trial.cluster.inspect('p')).observed).toContain('n2 was seen stopped');
      await Promise.all(['k', 'q', 'p'].map((hold) => trial.cluster.release(hold)));
      await trial.recovered();
    });

    it('refuses unknown nodes, and changes under a hold that is already released', async () => {
      await expect(trial.kill('typo', ['n9'])).rejects.toThrow('n9 cannot be killed here; these can: n1, n2, n3');
      await expect(trial.drop('typo', ['n1'], ['store'])).rejects.toThrow('store cannot be cut off here');
      await expect(trial.kill('a', ['n1'])).rejects.toThrow('the hold a is already released');
      expect(await trial.asksFromRig('n1')).not.toBeNull();
    });

    it('says which node does not serve after it ended by itself, and does not start it again', async () => {
      await trial.deployment.lab.signal('n2', 'SIGKILL');
      await expect(trial.recovered()).rejects.toThrow('n2 does not serve: its process has ended');
      await trial.cluster.release('a');
      expect(await trial.deployment.lab.state('n2')).toBe('gone');
      await expect(trial.pause('too-late', ['n2'])).rejects.toThrow('n2 has ended, it cannot be paused');
      await trial.cluster.release('too-late');
    });

    it('is gone from the machine once it is down, whatever was in force', async () => {
      await trial.drop('last', nodes, nodes);
      await trial.pause('last', ['n1']);
      await trial.cluster[Symbol.asyncDispose]();
      expect(trial.left()).toBe('');
      await expect(trial.drop('later', ['n1'], ['n2'])).rejects.toThrow('is being taken down');
      expect(await driver.sweep(trial.runId)).toEqual([]);
    });

    it('taken down in the middle of a change leaves nothing either', async () => {
      const hasty = await new Trial(driver).up();
      await hasty.kill('k', nodes);
      const mending = hasty.cluster.release('k').catch(() => {});
      const cutting = hasty.drop('d', nodes, nodes).catch(() => {});
      await Promise.all([hasty.cluster[Symbol.asyncDispose](), mending, cutting]);
      expect(hasty.left()).toBe('');
      await hasty.down();
    });

    it('that does not come up says which node, why, and what its log ends with, and leaves nothing', async () => {
      const broken = new Trial(driver, ['perl', '-e', 'print "no such disk\\n"; exit 3']);
      await expect(broken.up()).rejects.toThrow(
        /n1 does not serve: its process has ended;[^]*the log of n1 ends:\s+no such disk/,
      );
      expect(broken.left()).toBe('');
      await broken.down();
    });

    it('whose time for coming up is over says so and leaves nothing', async () => {
      const slow = new Trial(driver, ['perl', '-e', 'sleep 60']);
      const time = new AbortController();
      const up = expect(slow.up(time.signal)).rejects.toThrow(
        /n1 does not serve after [\d.]+ s: (no answer|it was not)/,
      );
      await expect.poll(() => slow.deployment, { timeout: 15_000 }).toBeDefined();
      setTimeout(() => time.abort(), 1_500);
      await up;
      expect(slow.left()).toBe('');
      await slow.down();
    });
  });
}
