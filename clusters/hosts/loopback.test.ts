import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { createConnection, createServer } from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import { afterEach, describe, expect, it } from 'vitest';
import { packageRoot } from '../../rig/package-root.ts';
import { CappedLog, LOG_BYTES } from './capped-log.ts';
import { FreePorts } from './free-ports.ts';
import { type Address, CLIENTS, type Lab, type Program } from './host.ts';
import { loopback } from './loopback.ts';
import type { Impairment } from './impairment.ts';
import { processesOfRun } from './process-table.ts';

/** Everything that these send is dropped. */
const dropped = (senders: readonly string[]): Impairment[] => senders.map((from) => ({ from, do: 'drop' }));
const sum = (counts: ReadonlyMap<string, number>) => [...counts.values()].reduce((all, one) => all + one, 0);

const cleanUps: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp();
});

const PORT = 7;
const compiledLoopback = path.join(packageRoot, 'dist/clusters/hosts/loopback.js');
let labs = 0;

/** On a machine that is busy with other tests, too. */
const eventually = <T>(look: () => T) => expect.poll(look, { timeout: 10_000 });

async function folder(): Promise<string> {
  const made = await mkdtemp(path.join(os.tmpdir(), 'ordeal-loopback-'));
  cleanUps.push(() => rm(made, { recursive: true, force: true }));
  return made;
}

async function open(nodes: readonly string[]): Promise<{ lab: Lab; runId: string; directory: string }> {
  const runId = `10000000-${process.pid}-${++labs}`;
  const directory = await folder();
  const lab = await loopback.open({
    runId,
    system: 'echo',
    nodes: nodes.map((id) => ({ id, ports: [PORT] })),
    directory,
    progress: () => {},
    signal: AbortSignal.timeout(10_000),
  });
  cleanUps.push(() => lab[Symbol.asyncDispose]());
  return { lab, runId, directory };
}

/** Answers every line with the node's name and the line, and asks a peer when it is told to. */
const echo = (lab: Lab, node: string): Program => ({
  command: [
    process.execPath,
    '-e',
    `const net = require('node:net');
     console.log('started');
     net.createServer((socket) => socket.on('error', () => {}).on('data', (data) => {
       const [verb, port] = String(data).trim().split(' ');
       if (verb !== 'relay') return socket.write(process.env.ORDEAL_NODE + ':' + data);
       const peer = net.connect(Number(port), '127.0.0.1', () => peer.write('relayed'));
       peer.on('error', () => {}).on('data', (answer) => { socket.write(answer); peer.destroy(); });
     })).listen(${lab.listen(node, PORT).port}, '127.0.0.1');`,
  ],
});

async function serving(nodes: readonly string[]) {
  const opened = await open(nodes);
  for (const node of nodes) await opened.lab.start(node, echo(opened.lab, node));
  for (const node of nodes)
    await eventually(() => ask(opened.lab.address(CLIENTS, node, PORT), 'hi')).toBe(`${node}:hi`);
  return opened;
}

/** The answer to one request on a connection of its own, or what happened instead. */
async function ask({ host, port }: Address, request: string, withinMs = 150): Promise<string> {
  const socket = createConnection(port, host);
  socket.write(request);
  const answer = new Promise<string>((resolve) => {
    socket.once('data', (data: Buffer) => resolve(data.toString()));
    socket.once('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message));
  });
  const result = await Promise.race([answer, sleep(withinMs, 'silence')]);
  socket.destroy();
  return result;
}

describe('the network of a loopback lab', () => {
  it('carries what clients and nodes say to each other through links', async () => {
    const { lab } = await serving(['a', 'b']);
    expect(lab.address(CLIENTS, 'a', PORT)).not.toEqual(lab.listen('a', PORT));
    const relay = `relay ${lab.address('a', 'b', PORT).port}`;
    await eventually(() => ask(lab.address(CLIENTS, 'a', PORT), relay)).toBe('b:relayed');
  });

  it('makes a node deaf to exactly the senders named, until the next call', async () => {
    const { lab } = await serving(['a', 'b']);
    const relay = `relay ${lab.address('a', 'b', PORT).port}`;
    const before = sum(await lab.impaired('b'));
    await lab.impair('b', dropped(['a']));
    expect(await ask(lab.address(CLIENTS, 'a', PORT), relay)).toBe('silence');
    await eventually(() => ask(lab.address(CLIENTS, 'b', PORT), 'still')).toBe('b:still');
    expect(sum(await lab.impaired('b'))).toBeGreaterThan(before);

    await lab.impair('b', dropped([CLIENTS]));
    await eventually(() => ask(lab.address(CLIENTS, 'a', PORT), relay)).toBe('b:relayed');
    expect(await ask(lab.address(CLIENTS, 'b', PORT), 'now')).toBe('silence');

    await lab.impair('b', []);
    await eventually(() => ask(lab.address(CLIENTS, 'b', PORT), 'again')).toBe('b:again');
  });

  it('makes clients deaf to a node, which still hears them', async () => {
    const { lab, directory } = await serving(['a']);
    const caller = createConnection(lab.address(CLIENTS, 'a', PORT).port, '127.0.0.1');
    cleanUps.push(() => caller.destroy());
    caller.write('first');
    await once(caller, 'data');
    await lab.impair(CLIENTS, dropped(['a']));
    caller.write('second');
    expect(await Promise.race([once(caller, 'data'), sleep(100, 'silence')])).toBe('silence');
    expect(sum(await lab.impaired(CLIENTS))).toBe(1);
    await lab.impair(CLIENTS, []);
    const [late] = (await once(caller, 'data')) as [Buffer];
    expect(late.toString()).toBe('a:second');
    expect(directory).not.toBe('');
  });

  it('says which link does not exist', async () => {
    const { lab } = await open(['a']);
    expect(() => lab.address('a', 'z', PORT)).toThrow('no link from a to port 7 of z');
    expect(() => lab.listen('a', 8)).toThrow('a serves no port 8');
  });
});

describe('the processes of a loopback lab', () => {
  it('are seen running, stopped, running again and gone', async () => {
    const { lab } = await serving(['a']);
    expect(await lab.state('a')).toBe('running');
    await lab.signal('a', 'SIGSTOP');
    await eventually(() => lab.state('a')).toBe('stopped');
    expect(await ask(lab.address(CLIENTS, 'a', PORT), 'hi')).toBe('silence');
    await lab.signal('a', 'SIGCONT');
    await eventually(() => lab.state('a')).toBe('running');
    await lab.signal('a', 'SIGKILL');
    await eventually(() => lab.state('a')).toBe('gone');
    await lab.signal('a', 'SIGKILL');
  });

  it('refuse connections once they are gone, and serve on the same address when they are back', async () => {
    const { lab } = await serving(['a']);
    await lab.signal('a', 'SIGKILL');
    await eventually(() => ask(lab.address(CLIENTS, 'a', PORT), 'hi')).toBe('ECONNREFUSED');
    await lab.start('a', echo(lab, 'a'));
    await eventually(() => ask(lab.address(CLIENTS, 'a', PORT), 'hi')).toBe('a:hi');
  });

  it('take their children with them when they are killed', async () => {
    const { lab, runId } = await open(['a']);
    await lab.start('a', { command: ['/bin/sh', '-c', 'sleep 300 & sleep 300 & wait'] });
    await eventually(() => processesOfRun(runId).length).toBe(3);
    await lab.signal('a', 'SIGKILL');
    await eventually(() => processesOfRun(runId).length).toBe(0);
  });

  it('find their files again after they were killed', async () => {
    const { lab } = await open(['a']);
    const script = 'echo line >>file; wc -l <file; sleep 300';
    for (let starts = 0; starts < 2; starts++) {
      await lab.start('a', { command: ['/bin/sh', '-c', script] });
      await sleep(60);
    }
    expect(await readFile(path.join(lab.data('a'), 'file'), 'utf8')).toBe('line\nline\n');
    const directory = await folder();
    await lab.collect(directory);
    expect(await readFile(path.join(directory, 'a.log'), 'utf8')).toMatch(/1\n\s*2\n$/);
  });

  it('cannot be started from a program that does not exist, and the reason names it', async () => {
    const { lab } = await open(['a']);
    await expect(lab.start('a', { command: ['/no/such/program'] })).rejects.toThrow(
      /^\/no\/such\/program cannot be started/,
    );
    expect(await lab.state('a')).toBe('gone');
  });
});

describe('the end of a loopback lab', () => {
  it('leaves no process, also of a node that is stopped, and no port', async () => {
    const { lab, runId } = await serving(['a', 'b']);
    await lab.signal('b', 'SIGSTOP');
    const address = lab.address(CLIENTS, 'a', PORT);
    await lab[Symbol.asyncDispose]();
    expect(processesOfRun(runId)).toEqual([]);
    expect(await ask(address, 'hi')).toBe('ECONNREFUSED');
  });

  it('comes for the nodes when the rig is killed, also for a node that is stopped', async () => {
    const runId = `10000000-${process.pid}-${++labs}`;
    const script = `
      const { loopback } = await import(${JSON.stringify(pathToFileURL(compiledLoopback).href)});
      const plan = { runId: '${runId}', system: 'x', nodes: ['a', 'b'].map((id) => ({ id, ports: [] })) };
      const signal = AbortSignal.timeout(10_000);
      const lab = await loopback.open({ ...plan, directory: '${await folder()}', progress() {}, signal });
      for (const node of ['a', 'b']) await lab.start(node, { command: ['sleep', '300'] });
      await lab.signal('b', 'SIGSTOP');
      console.log('ready');`;
    const rig = spawn(process.execPath, ['--input-type=module', '-e', script], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    await once(rig.stdout, 'data');
    expect(processesOfRun(runId)).toHaveLength(2);
    rig.kill('SIGKILL');
    await eventually(() => processesOfRun(runId)).toEqual([]);
  });

  it('can be brought about by a sweep that knows only the run, and a second sweep finds nothing', async () => {
    const { runId } = await serving(['a', 'b']);
    const other = await serving(['c']);
    expect(await loopback.sweep(runId)).toHaveLength(2);
    expect(processesOfRun(runId)).toEqual([]);
    expect(await loopback.sweep(runId)).toEqual([]);
    expect(processesOfRun(other.runId)).toHaveLength(1);
  });
});

describe('a lab that cannot be opened', () => {
  it('names the executable that is missing and what to install', async () => {
    const opening = loopback.open({
      runId: '10000000',
      system: 'x',
      nodes: [{ id: 'a', ports: [], executables: [{ name: 'no-such-daemon', install: 'a-package' }] }],
      directory: await folder(),
      progress: () => {},
      signal: AbortSignal.timeout(5_000),
    });
    await expect(opening).rejects.toThrow('no-such-daemon is not installed: apt-get install a-package');
  });
});

describe('free ports', () => {
  it('leave out one that is in use', async () => {
    const first = await new FreePorts('127.0.0.1', 'the same run').take();
    const server = createServer().listen(first, '127.0.0.1');
    await once(server, 'listening');
    cleanUps.push(() => server.close());
    expect(await new FreePorts('127.0.0.1', 'the same run').take()).not.toBe(first);
  });

  it('leave out one that is kept for a node that is down, until it is free again', async () => {
    const [ours, theirs] = [new FreePorts('127.0.0.1', 'a run'), new FreePorts('127.0.0.1', 'a run')];
    const first = await ours.take();
    expect(await theirs.take()).not.toBe(first);
    ours.free();
    theirs.free();
    const later = new FreePorts('127.0.0.1', 'a run');
    expect(await later.take()).toBe(first);
    later.free();
  });
});

describe('a capped log', () => {
  it('keeps the newest output and no more than it may', async () => {
    const file = path.join(await folder(), 'log');
    const log = new CappedLog(file);
    const line = `${'x'.repeat(99_999)}\n`;
    for (let lines = 0; lines < 200; lines++) log.write(line);
    log.write('the end\n');
    const kept = (await log.read()).toString();
    log.close();
    expect(kept.endsWith('the end\n')).toBe(true);
    expect(kept.length).toBeGreaterThan(LOG_BYTES / 2);
    expect((await stat(file)).size + (await stat(`${file}.1`)).size).toBeLessThan(LOG_BYTES + 2 * line.length);
  });

  it('goes on after what an earlier start wrote', async () => {
    const file = path.join(await folder(), 'log');
    await writeFile(file, 'earlier\n');
    const log = new CappedLog(file);
    log.write('later\n');
    log.close();
    expect((await log.read()).toString()).toBe('earlier\nlater\n');
  });
});
