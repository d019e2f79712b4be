/** Every lever of the network, tried for real on each host: it bites, and after the release all is as it was before. */

import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { RealClock } from '../../rig/clock.ts';
import type { Controls, NetworkControl, RunningCluster } from '../../rig/contract.ts';
import { describeWith } from '../../rig/needs.ts';
import { Random } from '../../rig/random.ts';
import { docker } from './docker.ts';
import { CLIENTS, type LabDriver } from './host.ts';
import { type Deployment, onHosts } from './hosted.ts';
import { loopback } from './loopback.ts';
import { netns } from './netns.ts';
import { AIDE } from './packet-queue.ts';
import { carries, processesOfRun } from './process-table.ts';
import { TriedLevers } from './tried-levers.ts';

const port = 7000;
const nodes = ['n1', 'n2'];

/** Says back each line that it hears; `send N` makes it say N bytes. Every connection has a process of its own. */
const server = `
  use IO::Socket::INET; $| = 1; $SIG{CHLD} = 'IGNORE';
  my $listener = IO::Socket::INET->new(LocalAddr => shift, LocalPort => shift, Listen => 99, ReuseAddr => 1) or die "cannot listen: $!";
  while (1) {
    my $client = $listener->accept or next;
    if (fork() == 0) { while (<$client>) { if (/^send (\\d+)/) { print $client 'x' x $1, "\\n" } else { print $client $_ } $client->flush } exit }
    close $client;
  }
`;

class Trial {
  readonly runId = new Random(process.hrtime().join()).fork('run').integer(0x10000000, 0xffffffff).toString(16);
  deployment!: Deployment;
  cluster!: RunningCluster;
  readonly tried = new TriedLevers();
  readonly #driver: LabDriver;
  #directory = '';

  constructor(driver: LabDriver) {
    this.#driver = driver;
  }

  async up(): Promise<void> {
    this.#directory = await mkdtemp(path.join(tmpdir(), 'ordeal-impaired-'));
    const directory = path.join(this.#directory, 'image');
    await mkdir(directory);
    await writeFile(path.join(directory, 'Dockerfile'), 'FROM debian:bookworm-slim\n');
    const system = onHosts({
      name: 'impaired',
      summary: 'A server that says back what it hears.',
      controls: ['network', 'processes'],
      variants: {},
      nodeCounts: { default: 2, allowed: [2] },
      hosts: [this.#driver],
      apis: {},
      members: () => ({ nodes }),
      parties: () => [...nodes, CLIENTS],
      plan: (id) => ({ id, ports: [port], image: { name: 'impaired', directory } }),
      program: (node, deployment) => {
        this.deployment = deployment;
        const { host, port: at } = deployment.lab.listen(node, port);
        return { command: ['perl', '-e', server, host, String(at)] };
      },
      ready: async (node, _, signal) => void (await this.call(node, signal)).destroy(),
      primaries: async () => [],
    });
    const cluster = await system.up({
      runId: this.runId,
      host: this.#driver.name,
      variant: null,
      nodeCount: 2,
      directory: this.#directory,
      rng: new Random(1),
      clock: new RealClock(),
      progress: () => {},
      signal: AbortSignal.timeout(60_000),
    });
    this.cluster = this.tried.watching(cluster);
  }

  network(hold: string): NetworkControl {
    return (this.cluster.controls(hold) as Controls).network;
  }

  /** A connection from the rig over which something was said. */
  async call(node: string, signal = AbortSignal.timeout(1_500)): Promise<Socket> {
    const { host, port: at } = this.deployment.lab.address(CLIENTS, node, port);
    const socket = connect({ host, port: at, noDelay: true });
    socket.on('error', () => {});
    try {
      await said(socket, 'hello', signal);
      return socket;
    } catch (error) {
      socket.destroy();
      throw error;
    }
  }

  /** All packet filter rules of all nodes, without what they counted; `null` where nodes have none of their own. */
  rules(): string | null {
    if (this.#driver.name === 'loopback') return null;
    return nodes
      .map((node) => {
        const inspect = ['inspect', '-f', '{{.State.Pid}}', `ordeal-${this.runId}-${node}`];
        const namespace =
          this.#driver.name === 'netns'
            ? `--net=/run/netns/ordeal-${this.runId}-${node}`
            : `--net=/proc/${execFileSync('docker', inspect).toString().trim()}/ns/net`;
        return execFileSync('nsenter', [namespace, 'iptables-save', '-t', 'filter']).toString();
      })
      .join('')
      .replaceAll(/^#.*$|\[\d+:\d+\]/gm, '');
  }

  async down(): Promise<void> {
    await this.cluster?.[Symbol.asyncDispose]();
    await rm(this.#directory, { recursive: true, force: true });
  }
}

/** Resolves once a line came back, rejects with how the connection ended instead. */
async function said(socket: Socket, line: string, signal = AbortSignal.timeout(1_500)): Promise<number> {
  const beganMs = performance.now();
  if (socket.destroyed) throw new Error('it is closed');
  socket.write(`${line}\n`);
  const closed = new Promise((_, reject) => socket.once('close', () => reject(new Error('the connection was closed'))));
  await Promise.race([closed, heard(socket, signal)]);
  return performance.now() - beganMs;
}

async function heard(socket: Socket, signal: AbortSignal): Promise<void> {
  for (;;) {
    const [chunk] = (await once(socket, 'data', { signal })) as [Buffer];
    if (chunk.toString('latin1').endsWith('\n')) return;
  }
}

/** How the call ended. */
const outcome = (call: Promise<unknown>): Promise<string> =>
  call.then(
    () => 'answered',
    (error: NodeJS.ErrnoException) => (error.name === 'AbortError' ? 'silence' : 'ended'),
  );

for (const [driver, needs] of [
  [docker, ['docker', 'root'] as const],
  [loopback, [] as const],
  [netns, ['root'] as const],
] as const) {
  describeWith(needs, `the network of nodes on ${driver.name}`, () => {
    const trial = new Trial(driver);
    beforeAll(() => trial.up());
    afterAll(() => trial.down());

    /** Tries a lever under a hold of that name, and sees that nothing is left of it. */
    const under = async (hold: string, act: (network: NetworkControl) => Promise<void>, observed: RegExp) => {
      const before = trial.rules();
      try {
        await act(trial.network(hold));
        expect(await trial.cluster.inspect(hold)).toMatchObject({
          effective: true,
          observed: expect.stringMatching(observed),
        });
      } finally {
        await trial.cluster.release(hold);
      }
      expect(trial.rules()).toBe(before);
      for (const node of nodes) expect(await outcome(trial.call(node))).toBe('answered');
      await trial.cluster.release(hold);
      expect((await trial.cluster.inspect(hold)).effective).toBe(true);
    };

    it('hangs up on whoever is rejected, and refuses new connections at once', async () => {
      const open = await trial.call('n1');
      await under(
        'reject',
        async (network) => {
          await network.reject([CLIENTS], ['n1']);
          expect(await outcome(said(open, 'again'))).toBe('ended');
          expect(await outcome(trial.call('n1'))).toBe('ended');
          expect(await outcome(trial.call('n2'))).toBe('answered');
        },
        /packets? to n1 (was|were) refused/,
      );
    });

    it('refuses at once even when both reject each other', async () => {
      await under(
        'reject-both',
        async (network) => {
          await network.reject([CLIENTS], ['n1']);
          await network.reject(['n1'], [CLIENTS]);
          expect(await outcome(trial.call('n1'))).toBe('ended');
        },
        /refused/,
      );
    });

    it('keeps new connections out and lets established ones go on', async () => {
      const open = await trial.call('n1');
      await under(
        'new-only',
        async (network) => {
          await network.dropNew([CLIENTS], ['n1']);
          expect(await outcome(trial.call('n1'))).toBe('silence');
          expect(await outcome(said(open, 'still here'))).toBe('answered');
        },
        /did not reach n1/,
      );
      open.destroy();
    });

    it('lets no more than so many bytes through', async () => {
      const socket = await trial.call('n1');
      const freely = await said(socket, 'send 400000', AbortSignal.timeout(10_000));
      await under(
        'limit',
        async (network) => {
          await network.limit(['n1'], [CLIENTS], 100_000);
          // What was dropped is sent again later and later; how late is TCP's own affair.
          const slowly = await said(socket, 'send 400000', AbortSignal.timeout(30_000));
          expect(slowly).toBeGreaterThan(1_500);
          expect(slowly).toBeGreaterThan(3 * freely);
        },
        /did not reach clients/,
      );
      socket.destroy();
    }, 60_000);

    it('resets connections that are established, and nothing else', async () => {
      const [open, other] = [await trial.call('n1'), await trial.call('n2')];
      await under(
        'reset',
        async (network) => {
          const closed = new Promise((resolve) => open.once('close', resolve));
          await network.reset([CLIENTS], ['n1']);
          await closed;
          expect(await outcome(said(other, 'untouched'))).toBe('answered');
          expect(await outcome(trial.call('n1'))).toBe('answered');
        },
        /connections? (was|were) broken/,
      );
      other.destroy();
    });

    it('unites what two holds want of one way, and leaves what the other wants', async () => {
      await trial.network('a').drop([CLIENTS], ['n1']);
      await trial.network('b').reject([CLIENTS], ['n1']);
      expect(await outcome(trial.call('n1'))).toBe('silence');
      await trial.cluster.release('a');
      expect(await outcome(trial.call('n1'))).toBe('ended');
      await trial.cluster.release('b');
      expect(await outcome(trial.call('n1'))).toBe('answered');
    });

    it('refuses what makes no sense, naming it', async () => {
      await expect(trial.network('odd').lose([CLIENTS], ['n1'], 1.5)).rejects.toThrow('1.5 is not between 0 and 1');
      await expect(trial.network('odd').limit([CLIENTS], ['n1'], -1)).rejects.toThrow('-1 bytes per second');
      await expect(trial.network('odd').delay([CLIENTS], ['n1'], { ms: 1, jitterMs: 5 })).rejects.toThrow('1 ± 5 ms');
      await expect(trial.network('odd').reset(['n7'], ['n1'])).rejects.toThrow('n7 cannot be reset here');
    });

    it('either has a lever or says why it has not, and then refuses it with that reason', async () => {
      const lacks = await driver.lacks();
      const levers = Object.keys(trial.network('all'));
      for (const [lever, reason] of Object.entries(lacks)) {
        const [, name = ''] = lever.split('.');
        if (!lever.startsWith('network.')) continue;
        expect(levers).toContain(name);
        if (name === 'failNames')
          await expect(trial.network(lever).failNames(['n1'], 'silence')).rejects.toThrow(reason);
        if (name === 'lose') await expect(trial.network(lever).lose(['n1'], ['n2'], 0.5)).rejects.toThrow(reason);
        await trial.cluster.release(lever);
      }
    });

    if (driver !== loopback) {
      it('loses packets', async () => {
        await under(
          'lose',
          async (network) => {
            await network.lose([CLIENTS], ['n1'], 0.95);
            const calls = await Promise.all(Array.from({ length: 10 }, () => outcome(trial.call('n1'))));
            expect(calls.filter((call) => call === 'silence').length).toBeGreaterThan(5);
          },
          /did not reach n1/,
        );
      });

      it('keeps nodes from name servers, in silence or by refusal', async () => {
        const ask =
          'use IO::Socket::INET; my $s = IO::Socket::INET->new(Proto => "udp", PeerAddr => "127.0.0.11", PeerPort => 53); $s->send("?"); $s->send("?") or print "refused"';
        for (const by of ['silence', 'refusal'] as const)
          await under(
            `names-${by}`,
            async (network) => {
              await network.failNames(['n1'], by);
              const answer = await trial.deployment.lab.execute('n1', ['perl', '-e', ask]);
              expect(answer).toBe(by === 'silence' ? '' : 'refused');
            },
            /from n1 to name servers were stopped/,
          );
      });

      it.each([
        ['reorder', /reached n1 late/],
        ['corrupt', /to n1 (was|were) corrupted/],
      ] as const)(
        'can %s packets, and what TCP carries arrives all the same',
        async (lever, observed) => {
          const open = await trial.call('n1');
          await under(
            lever,
            async (network) => {
              // How many lines it takes is luck; and more often, TCP would wait longer and longer before it sends one again.
              await network[lever]([CLIENTS], ['n1'], 0.25);
              for (let line = 0; line < 99 && !(await trial.cluster.inspect(lever)).effective; line++)
                await said(open, `line ${line}`, AbortSignal.timeout(20_000));
            },
            observed,
          );
          open.destroy();
        },
        60_000,
      );

      it('sends packets twice', async () => {
        const { lab } = trial.deployment;
        const { host } = lab.address('n1', 'n2', port);
        const hear =
          'use IO::Socket::INET; my $s = IO::Socket::INET->new(Proto => "udp", LocalPort => 9000); my $n = 0; my $end = time + 4; while (time < $end) { my $r = ""; vec($r, fileno($s), 1) = 1; if (select($r, undef, undef, 0.2)) { $s->recv(my $x, 9); $n++ } } print $n';
        const say = `use IO::Socket::INET; sleep 1; my $s = IO::Socket::INET->new(Proto => "udp", PeerAddr => "${host}", PeerPort => 9000); $s->send("x") for 1..20`;
        await under(
          'duplicate',
          async (network) => {
            await network.duplicate(['n1'], ['n2'], 0.9);
            const [heard] = await Promise.all([
              lab.execute('n2', ['perl', '-e', hear]),
              lab.execute('n1', ['perl', '-e', say]),
            ]);
            expect(Number(heard)).toBeGreaterThan(25);
          },
          /reached n2 twice/,
        );
      }, 30_000);
    }

    it('delays what is said, in order', async () => {
      const open = await trial.call('n1');
      await under(
        'delay',
        async (network) => {
          await network.delay([CLIENTS], ['n1'], { ms: 300, jitterMs: 50 });
          expect(await said(open, 'slowly', AbortSignal.timeout(10_000))).toBeGreaterThan(200);
          expect(await said(open, 'send 100000', AbortSignal.timeout(10_000))).toBeGreaterThan(200);
        },
        /reached n1 late/,
      );
      expect(processesOfRun(trial.runId).filter((pid) => carries(pid, AIDE, null))).toEqual([]);
      open.destroy();
    }, 30_000);

    it('cuts nodes off one by one, and lets them come back in another order', async () => {
      const began = performance.now();
      await trial.network('swizzle').swizzle(['n1', 'n2'], [CLIENTS], ['n2', 'n1'], 400);
      expect(performance.now() - began).toBeGreaterThan(400);
      expect([await outcome(trial.call('n1')), await outcome(trial.call('n2'))]).toEqual(['silence', 'silence']);
      const released = trial.cluster.release('swizzle');
      await expect.poll(() => outcome(trial.call('n2', AbortSignal.timeout(200)))).toBe('answered');
      await released;
      expect(await outcome(trial.call('n1'))).toBe('answered');
      expect((await trial.cluster.inspect('swizzle')).effective).toBe(true);
    }, 30_000);

    it('meets in these tests every lever that can be had', async () => {
      expect(await trial.tried.forgotten(trial.cluster, driver, ['network'])).toEqual([]);
    });
  });
}
