/**
 * What faults of processes, clocks, disks and resources do to a real node on each host, told by the node itself: it bites
 * while it is held, and is as before when it is released. A control that did nothing would fail here.
 */

import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { RealClock } from '../../../rig/clock.ts';
import type { ControlName, Controls, RunningCluster } from '../../../rig/contract.ts';
import { describeWith } from '../../../rig/needs.ts';
import { Random } from '../../../rig/random.ts';
import { Groups } from '../cgroups.ts';
import { mountsOf } from '../disk/disk.ts';
import { docker } from '../docker.ts';
import { faketimeFor } from '../faketime-image.ts';
import { CLIENTS, type LabDriver } from '../host.ts';
import { type Deployment, onHosts, type SystemDefinition } from '../hosted.ts';
import { loopback } from '../loopback.ts';
import { netns } from '../netns.ts';
import { descriptorsOf, processesWith, tracerOf } from '../process-table.ts';
import { TriedLevers } from '../tried-levers.ts';
import { undoBeside } from './undo.ts';

const PORT = 7000;
const NODES = ['n1', 'n2'];
const needed: readonly ControlName[] = ['calls', 'clocks', 'descriptors', 'disks', 'processes', 'resources'];

/** Does one thing for each connection, and says what came of it. */
const server = `
  use IO::Socket::INET; use IO::Handle; use POSIX (); $| = 1; $SIG{CHLD} = 'IGNORE';
  $SIG{TERM} = sub { open(my $o, '>', 'goodbye'); print $o 'asked'; close $o; exit 0 } unless grep { $_ eq 'stubborn' } @ARGV;
  $SIG{TERM} = 'IGNORE' if grep { $_ eq 'stubborn' } @ARGV;
  open(my $in, '<', 'starts'); my $starts = ($in ? <$in> : 0) + 1; close $in if $in;
  open(my $out, '>', 'starts'); print $out $starts; $out->flush; $out->sync; close $out;
  my ($host, $port) = @ARGV; my $hog = '';
  my $listener = IO::Socket::INET->new(LocalAddr => $host, LocalPort => $port, Listen => 9, ReuseAddr => 1) or die "cannot listen: $!";
  sub put { my ($name, $sync) = @_; open(my $o, '>>', $name) or return "$!"; syswrite($o, 'x' x 100) or return "$!";
    if ($sync) { $o->sync or return "$!" } close $o; 'ok' }
  sub spin { my ($t) = times; my $x = 0; for (my $i = 0; $i < 3000000; $i++) { $x += $i } my ($u) = times; $u - $t }
  while (my $client = $listener->accept) {
    my ($do, $with) = split ' ', <$client>; my $said = 'what?';
    if ($do eq 'starts') { $said = $starts } elsif ($do eq 'time') { $said = time } elsif ($do eq 'put') { $said = put($with, 1) }
    elsif ($do eq 'dash') { $said = put($with, 0) } elsif ($do eq 'size') { $said = -s $with } elsif ($do eq 'spin') { $said = spin() }
    elsif ($do eq 'fork') { my $p = fork; if (!defined $p) { $said = "$!" } elsif ($p == 0) { POSIX::_exit(0) } else { $said = 'ok' } }
    elsif ($do eq 'open') { my @f; $said = 'ok'; for (1 .. 20) { open(my $f, '<', '/dev/null') or do { $said = "$!"; last }; push @f, $f } }
    elsif ($do eq 'hog') { $hog = 'y' x ($with * 1048576); $said = length $hog }
    print $client "$said\\n"; close $client;
  }
`;

class Trial {
  readonly runId = new Random(process.hrtime().join()).fork('run').integer(0x10000000, 0xffffffff).toString(16);
  deployment!: Deployment;
  cluster!: RunningCluster;
  readonly tried = new TriedLevers();
  readonly #driver: LabDriver;
  readonly #holds = new Set<string>();
  #directory = '';

  constructor(driver: LabDriver) {
    this.#driver = driver;
  }

  async up(
    controls: readonly ControlName[],
    program = ['perl', '-e', server],
    more: readonly string[] = [],
  ): Promise<this> {
    this.#directory = await mkdtemp(path.join(tmpdir(), 'ordeal-effects-'));
    const image = path.join(this.#directory, 'image');
    await mkdir(image);
    await writeFile(path.join(image, 'Dockerfile'), `FROM debian:bookworm-slim\n${await faketimeFor(image)}\n`);
    const system: SystemDefinition = {
      name: 'effects',
      summary: 'Does what it is asked for, and says what came of it.',
      controls: needed,
      variants: {},
      nodeCounts: { default: 2, allowed: [2] },
      hosts: [this.#driver],
      apis: {},
      members: () => ({ nodes: NODES }),
      parties: () => [...NODES, CLIENTS],
      plan: (id) => ({ id, ports: [PORT], image: { name: 'effects', directory: image } }),
      program: (node, deployment) => {
        this.deployment = deployment;
        const { host, port } = deployment.lab.listen(node, PORT);
        return { command: [...program, host, String(port), ...more] as [string, ...string[]] };
      },
      ready: async (node) => void (await this.ask('starts', node)),
      primaries: async () => [],
    };
    const options = { variant: null, nodeCount: 2, rng: new Random(1), clock: new RealClock(), progress: () => {} };
    const cluster = await onHosts(system).up({
      ...options,
      controls,
      runId: this.runId,
      host: this.#driver.name,
      directory: this.#directory,
      signal: AbortSignal.timeout(120_000),
    });
    this.cluster = this.tried.watching(cluster);
    return this;
  }

  /** What the node says; rejects when it says nothing. */
  async ask(what: string, node = 'n1'): Promise<string> {
    const { host, port } = this.deployment.lab.address(CLIENTS, node, PORT);
    return new Promise((resolve, reject) => {
      const socket = connect({ host, port, timeout: 20_000 }, () => socket.write(`${what}\n`));
      let said = '';
      socket.on('data', (data) => (said += data.toString()));
      socket.once('close', () => (said === '' ? reject(new Error(`no answer to ${what}`)) : resolve(said.trim())));
      socket.once('timeout', () => socket.destroy());
      socket.once('error', reject);
    });
  }

  /** How much wall time it takes to do so. */
  async took(what: string): Promise<number> {
    const began = performance.now();
    await this.ask(what);
    return performance.now() - began;
  }

  hold(name: string): Controls {
    this.#holds.add(name);
    return this.cluster.controls(name) as Controls;
  }

  seen = async (hold: string) => (await this.cluster.inspect(hold)).observed;
  state = (node = 'n1') => this.deployment.lab.state(node);
  processes = (node = 'n1') => this.deployment.lab.processes(node);

  /** Released, and everything serves again. */
  async released(hold: string): Promise<void> {
    await this.cluster.release(hold);
    await this.cluster.recovered(AbortSignal.timeout(20_000));
  }

  async mend(): Promise<void> {
    for (const hold of this.#holds) if (this.#holds.delete(hold)) await this.cluster.release(hold);
  }

  async down(): Promise<void> {
    await this.cluster?.[Symbol.asyncDispose]();
    await rm(this.#directory, { recursive: true, force: true });
  }
}

/** How far the node's clock is from the right time, in seconds. */
const aheadSeconds = async (trial: Trial, node = 'n1') => Number(await trial.ask('time', node)) - Date.now() / 1000;

for (const driver of [docker, netns, loopback]) {
  const needs = [...(driver === docker ? (['docker'] as const) : []), 'root', 'fuse', 'tools'] as const;
  describeWith(needs, `a node on ${driver.name}`, () => {
    const trial = new Trial(driver);
    beforeAll(() => trial.up(needed), 180_000);
    afterEach(() => trial.mend());
    afterAll(async () => {
      await trial.down();
      expect(await mountsOf(trial.runId)).toEqual([]);
      expect(
        ['ORDEAL_DISK', 'ORDEAL_TRACER', 'ORDEAL_RUN'].flatMap((name) => processesWith(name, trial.runId)),
      ).toEqual([]);
    });

    it('that is terminated ends by itself, and is started again', async () => {
      const starts = Number(await trial.ask('starts'));
      await trial.hold('term').processes.terminate(['n1']);
      expect(await trial.state()).toBe('gone');
      expect(await trial.seen('term')).toBe('the process of n1 was seen gone');
      await trial.released('term');
      expect(await trial.ask('size goodbye')).toBe('5');
      expect(Number(await trial.ask('starts'))).toBe(starts + 1);
    });

    it('that is in a crash loop dies and comes back again and again, and stays up afterwards', async () => {
      const starts = Number(await trial.ask('starts', 'n2'));
      await trial.hold('loop').processes.loop(['n2'], 300);
      await expect.poll(() => trial.seen('loop'), { timeout: 15_000 }).toMatch(/killed [3-9] times/);
      await trial.released('loop');
      const after = Number(await trial.ask('starts', 'n2'));
      expect(after).toBeGreaterThanOrEqual(starts + 2);
      await sleep(1000);
      expect(Number(await trial.ask('starts', 'n2'))).toBe(after);
    });

    it('stands still while it is paused, and goes on', async () => {
      await trial.hold('pause').processes.pause(['n1']);
      const answer = trial.ask('put late');
      expect(await Promise.race([answer, sleep(300, 'silence')])).toBe('silence');
      expect(await trial.seen('pause')).toBe('the process of n1 was seen stopped');
      await trial.released('pause');
      expect(await answer).toBe('ok');
    });

    it('has a clock that jumps by the sum of what is held, and is right again', async () => {
      await trial.hold('jump').clocks.shift(['n1'], { byMs: 3_600_000 });
      await trial.hold('back').clocks.shift(['n1'], { byMs: -1_800_000 });
      expect(await aheadSeconds(trial)).toBeCloseTo(1800, -1);
      expect(Math.abs(await aheadSeconds(trial, 'n2'))).toBeLessThan(5);
      expect(await trial.seen('jump')).toMatch(/a program on n1 saw a clock (3599|360\d)\.\d s ahead/);
      await trial.released('jump');
      expect(await aheadSeconds(trial)).toBeCloseTo(-1800, -1);
      await trial.released('back');
      expect(Math.abs(await aheadSeconds(trial))).toBeLessThan(5);
    });

    it('has a clock that drifts, and one that jumps there and back', async () => {
      await trial.hold('drift').clocks.shift(['n1'], { byMs: 0, driftPerMille: 20_000 });
      await expect.poll(() => aheadSeconds(trial), { timeout: 10_000 }).toBeGreaterThan(8);
      await trial.released('drift');
      await trial.hold('strobe').clocks.shift(['n1'], { byMs: 1_000_000, everyMs: 200 });
      const seen = new Set<string>();
      for (let look = 0; look < 40 && seen.size < 2; look++, await sleep(50))
        seen.add((await aheadSeconds(trial)) > 999 ? 'there' : 'back');
      expect([...seen].sort()).toEqual(['back', 'there']);
      await trial.released('strobe');
      await expect.poll(async () => Math.abs(await aheadSeconds(trial))).toBeLessThan(5);
    });

    it('keeps the clock of its holds when it is killed and started again', async () => {
      await trial.hold('jump-2').clocks.shift(['n1'], { byMs: -600_000 });
      await trial.hold('kill').processes.kill(['n1']);
      await trial.released('kill');
      expect(await aheadSeconds(trial)).toBeCloseTo(-600, -1);
      await trial.released('jump-2');
      expect(Math.abs(await aheadSeconds(trial))).toBeLessThan(5);
    });

    it.each([
      ['full', (disks: Controls['disks']) => disks.fill(['n1']), 'No space left on device'],
      ['read-only', (disks: Controls['disks']) => disks.makeReadOnly(['n1']), 'Read-only file system'],
      ['failing', (disks: Controls['disks']) => disks.fail(['n1'], ['sync'], 1, 1), 'Input/output error'],
    ] as const)('has a disk that is %s, and is not any more', async (name, inject, error) => {
      expect(await trial.ask(`put file-${name}`)).toBe('ok');
      await inject(trial.hold(name).disks);
      expect(await trial.ask(`put file-${name}`)).toBe(error);
      expect(await trial.ask(`put file-${name}`, 'n2')).toBe('ok');
      expect(await trial.seen(name)).toMatch(/^the disk of n1 refused [1-9]\d* calls$/);
      await trial.released(name);
      expect(await trial.ask(`put file-${name}`)).toBe('ok');
    });

    it('has a slow disk for as long as it is held', async () => {
      await trial.hold('slow').disks.slow(['n1'], 400);
      expect(await trial.took('put slow')).toBeGreaterThan(790);
      expect(await trial.seen('slow')).toMatch(/^the disk of n1 delayed [2-9]\d* calls$/);
      await trial.released('slow');
      expect(await trial.took('put slow')).toBeLessThan(790);
    });

    it('loses with its power what it did not make durable, and nothing else', async () => {
      const size = Number((await trial.ask('put kept')) === 'ok' && (await trial.ask('size kept')));
      expect(await trial.ask('dash kept')).toBe('ok');
      expect(Number(await trial.ask('size kept'))).toBe(size + 100);
      await trial.hold('dark').disks.losePower(['n1']);
      expect(await trial.state()).toBe('gone');
      expect(await trial.seen('dark')).toMatch(/^n1 lost [1-9]\d* bytes in [1-9] files?$/);
      await trial.released('dark');
      expect(Number(await trial.ask('size kept'))).toBe(size);
    });

    it('has a file damaged for ever, while it is down', async () => {
      await trial.ask('put victim');
      await trial.hold('rot').disks.damage(['n1'], 'truncate', 4);
      expect(await trial.seen('rot')).toMatch(/^n1: the last \d+ bytes of \S+ were cut off$/);
      await trial.released('rot');
    });

    it('gets little of the processor for as long as it is held', async () => {
      const limit = async () => Groups.of((await trial.processes())[0] as number)?.limit('processor');
      const before = await limit();
      await trial.hold('cpu').resources.processor(['n1'], 5);
      const began = performance.now();
      const usedMs = 1000 * Number(await trial.ask('spin'));
      expect(performance.now() - began).toBeGreaterThan(8 * usedMs);
      expect(await trial.seen('cpu')).toMatch(/^n1 came up against its limit of processor [1-9]\d* times$/);
      await trial.released('cpu');
      expect(await limit()).toBe(before);
    });

    it('is killed for lack of memory, and started again with all it needs', async () => {
      const starts = Number(await trial.ask('starts'));
      await trial.hold('oom').resources.memory(['n1'], 50);
      await expect(trial.ask('hog 200')).rejects.toThrow();
      await expect.poll(() => trial.state()).toBe('gone');
      expect(await trial.seen('oom')).toContain('n1 ended under its limits');
      await trial.released('oom');
      expect(await trial.ask('hog 200')).toBe(String(200 << 20));
      expect(Number(await trial.ask('starts'))).toBe(starts + 1);
    });

    it('can have no more processes, for as long as it is held', async () => {
      await trial.hold('pids').resources.processes(['n1'], 0);
      expect(await trial.ask('fork')).toBe('Resource temporarily unavailable');
      expect(await trial.seen('pids')).toMatch(/^n1 came up against its limit of processes [1-9]\d* times$/);
      await trial.released('pids');
      expect(await trial.ask('fork')).toBe('ok');
    });

    it('can open no more files, for as long as it is held', async () => {
      // Of whichever there are: what a test before has forked may still be about to end.
      const limits = async () => new Set((await trial.processes()).flatMap((pid) => descriptorsOf(pid)?.soft ?? []));
      const before = await limits();
      await trial.hold('fds').descriptors.limit(['n1'], 3);
      expect(await trial.ask('open')).toBe('Too many open files');
      expect(await trial.seen('fds')).toMatch(/can have no more than \d+ descriptors/);
      await trial.released('fds');
      expect(await trial.ask('open')).toBe('ok');
      expect(await limits()).toEqual(before);
    });

    it('finds a system call failing, every second time, for as long as it is held', async () => {
      await trial.hold('eio').calls.fail(['n1'], 'fsync', 'EIO', 2);
      const said = [await trial.ask('put a'), await trial.ask('put a'), await trial.ask('put a')];
      expect(said).toEqual(['Input/output error', 'ok', 'Input/output error']);
      expect(await trial.seen('eio')).toBe('2 calls of fsync failed at n1');
      await expect(trial.hold('again').calls.fail(['n1'], 'fsync', 'EIO', 2)).rejects.toThrow('already struck by eio');
      await trial.released('eio');
      expect(await trial.ask('put a')).toBe('ok');
      expect((await trial.processes()).map(tracerOf).filter((pid) => pid !== 0)).toEqual([]);
    });

    it('dies at the very call that was named, and is started again', async () => {
      const size = Number((await trial.ask('put point')) === 'ok' && (await trial.ask('size point')));
      await trial.hold('point').calls.crashAt(['n1'], 'fsync', 3);
      expect([await trial.ask('put point'), await trial.ask('put point')]).toEqual(['ok', 'ok']);
      await expect(trial.ask('put point')).rejects.toThrow();
      await expect.poll(() => trial.state()).toBe('gone');
      await expect.poll(() => trial.seen('point')).toBe('n1 died as it called fsync');
      await trial.released('point');
      expect(Number(await trial.ask('size point'))).toBe(size + 300);
    });

    it('goes on untraced when its tracer is killed by somebody else', async () => {
      await trial.hold('lost').calls.fail(['n1'], 'fsync', 'EIO', 1);
      expect(await trial.ask('put b')).toBe('Input/output error');
      expect(undoBeside(trial.runId)).toHaveLength(1);
      await expect.poll(() => trial.ask('put b')).toBe('ok');
      await trial.released('lost');
    });

    it('is as before after everything at once, released in any order, twice', async () => {
      await trial.hold('a').disks.fill(['n1', 'n2']);
      await trial.hold('b').clocks.shift(['n1'], { byMs: 10_000_000 });
      await trial.hold('c').resources.processor(['n1'], 10);
      await trial.hold('d').calls.fail(['n2'], 'fsync', 'EIO', 1);
      await trial.hold('e').processes.kill(['n1']);
      await trial.hold('f').descriptors.limit(['n2'], 0);
      expect(await trial.state()).toBe('gone');
      for (const hold of ['e', 'a', 'c', 'e', 'b', 'f', 'd']) await trial.cluster.release(hold);
      await trial.released('a');
      for (const node of NODES) expect(await trial.ask('put end', node)).toBe('ok');
      expect(Math.abs(await aheadSeconds(trial))).toBeLessThan(5);
      expect(await trial.ask('open', 'n2')).toBe('ok');
    });

    it('meets in these tests every lever that can be had', async () => {
      expect(await trial.tried.forgotten(trial.cluster, driver, needed)).toEqual([]);
    });

    if (driver === docker)
      it('is paused although it waits for its slow disk', async () => {
        await trial.hold('very-slow').disks.slow(['n1'], 6_000);
        const answer = trial.ask('put waits');
        await sleep(500);
        await trial.hold('pause-slow').processes.pause(['n1']);
        expect(await trial.state()).toBe('stopped');
        await trial.cluster.release('very-slow');
        await trial.released('pause-slow');
        expect(await answer).toBe('ok');
      });

    if (driver !== netns) return;

    it('that does not heed SIGTERM is killed in the end', { timeout: 60_000 }, async () => {
      const stubborn = await new Trial(driver).up(['processes'], undefined, ['stubborn']);
      await stubborn.hold('term').processes.terminate(['n1']);
      const state = await stubborn.state();
      await stubborn.down();
      expect(state).toBe('gone');
    });

    it('whose program takes no time from the C library is refused before the load, by name', {
      timeout: 60_000,
    }, async () => {
      const timeless = new Trial(driver);
      const up = timeless.up(['clocks'], ['sh', '-c', 'exec busybox httpd -f -p "$0:$1"']);
      await expect(up).rejects.toThrow(
        /the clock of n1 cannot be moved: its program \S*busybox is statically linked, so nothing can be put between/,
      );
      await timeless.down();
    });
  });
}
