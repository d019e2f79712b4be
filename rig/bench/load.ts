/**
 * How much load one rig process makes while it records the full history, beside autocannon on the
 * same server in the same run. Absolute numbers belong to the machine; the ratio is the claim.
 */

import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import autocannon from 'autocannon';
import { Pool } from 'undici';
import { RealClock } from '../clock.ts';
import type { Client, Json, RunningCluster, RunSpec, Workload } from '../contract.ts';
import { RequestError } from '../define.ts';
import { readHistory } from '../history-file.ts';
import { interpret } from '../interpreter.ts';
import { Journal } from '../journal.ts';

const SECONDS = 8;
const CONNECTIONS = 64;
const LATE_NS = 5e6;

/** A server that does nothing else than answer, in a process of its own. */
const SERVER = `
  const server = require('node:http').createServer((_, answer) => answer.end('"1"'));
  server.keepAliveTimeout = 60000;
  server.listen(0, '127.0.0.1', () => process.stdout.write(String(server.address().port) + '\\n'));
  process.stdin.on('end', () => process.exit()).resume();
`;

const reads: Workload = {
  name: 'bench',
  summary: 'reads only',
  api: 'kv',
  checkers: [],
  semantics: { read: 'safe' },
  *generator() {
    for (;;) yield { f: 'read', key: 'x' };
  },
  invoke: (kv, _input, signal) => (kv as Client<'kv'>).get('x', signal),
};

function trivialCluster(origin: string): RunningCluster {
  const pool = new Pool(origin, { connections: CONNECTIONS, pipelining: 1 });
  const client: Client<'kv'> = {
    definite: new Set(),
    async get(key, signal): Promise<Json> {
      const { statusCode, body } = await pool.request({ method: 'GET', path: `/${key}`, signal });
      if (statusCode !== 200) throw new RequestError(`http-${statusCode}`);
      return (await body.json()) as Json;
    },
    put: () => Promise.reject(new RequestError('read-only')),
    cas: () => Promise.reject(new RequestError('read-only')),
    async [Symbol.asyncDispose]() {},
  };
  return {
    nodes: ['n1'],
    parties: ['n1'],
    facts: {},
    connect: (() => Promise.resolve(client)) as unknown as RunningCluster['connect'],
    primaries: () => Promise.resolve([]),
    controls: () => ({}),
    inspect: () => Promise.resolve({ effective: false, observed: 'nothing' }),
    release: () => Promise.resolve(),
    recovered: () => Promise.resolve(),
    collect: () => Promise.resolve(),
    [Symbol.asyncDispose]: () => pool.close(),
  };
}

interface Load {
  readonly perSecond: number;
  readonly lateShare: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
}

/** One rig, open loop, full history on disk; figures are read back from that history. */
async function ordealLoad(origin: string, ratePerSecond: number | null): Promise<Load> {
  const directory = mkdtempSync(join(tmpdir(), 'ordeal-bench-'));
  const path = join(directory, 'history.jsonl');
  const clock = new RealClock();
  const cluster = trivialCluster(origin);
  const journal = await Journal.create(path, clock);
  const spec = {
    seed: 1,
    workerCount: CONNECTIONS,
    ratePerSecond,
    warmUpMs: 2_000,
    timeLimitMs: SECONDS * 1_000,
    requestTimeoutMs: 5_000,
    recoveryTimeoutMs: 1_000,
    finalTimeoutMs: 1_000,
  } as RunSpec;
  const stop = new AbortController().signal;
  try {
    await interpret({ spec, workload: reads, nemeses: [], cluster, journal, clock, stop });
    await journal.close();
    const history = await readHistory(path);
    const from = history.phases.find(({ phase }) => phase === 'load')?.timeNs ?? 0;
    const latencies: number[] = [];
    let late = 0;
    for (let at = 0; at < history.length; at++) {
      if ((history.invokedNs[at] as number) < from || history.completedNs[at] === Infinity) continue;
      latencies.push(((history.completedNs[at] as number) - history.dueNs(at)) / 1e6);
      if ((history.lateNs[at] as number) > LATE_NS) late++;
    }
    latencies.sort((a, b) => a - b);
    const quantile = (share: number) => latencies[Math.floor(share * (latencies.length - 1))] ?? Number.NaN;
    return {
      perSecond: latencies.length / SECONDS,
      lateShare: late / latencies.length,
      p50Ms: quantile(0.5),
      p99Ms: quantile(0.99),
    };
  } finally {
    await cluster[Symbol.asyncDispose]();
    rmSync(directory, { recursive: true });
  }
}

async function autocannonLoad(origin: string): Promise<Load> {
  const result = await autocannon({ url: `${origin}/x`, connections: CONNECTIONS, duration: SECONDS });
  return { perSecond: result.requests.average, lateShare: 0, p50Ms: result.latency.p50, p99Ms: result.latency.p99 };
}

const firstLine = (child: ChildProcess): Promise<string> =>
  new Promise((resolve) => child.stdout?.once('data', (data) => resolve(String(data).trim())));

/** Prints the load of autocannon and of one rig, in closed and in open loop. */
export async function benchLoad(): Promise<void> {
  const server = spawn(process.execPath, ['-e', SERVER], { stdio: ['pipe', 'pipe', 'inherit'] });
  try {
    const origin = `http://127.0.0.1:${await firstLine(server)}`;
    const row = (name: string, load: Load, rest = '') =>
      console.log(
        `${name.padEnd(34)} ${Math.round(load.perSecond).toString().padStart(7)} op/s   p50 ${load.p50Ms.toFixed(2)} ms   p99 ${load.p99Ms.toFixed(2)} ms${rest}`,
      );
    const late = (load: Load) => `   later than 5 ms: ${(100 * load.lateShare).toFixed(2)} %`;
    console.log(`load on a trivial HTTP server, ${CONNECTIONS} connections, ${SECONDS} s each, on this machine\n`);
    // The lateness first, in a heap that holds nothing of the other loads.
    const rate = 10_000;
    const half = await ordealLoad(origin, rate / 2);
    row(`ordeal, open loop at ${rate / 2}/s`, half, late(half));
    const open = await ordealLoad(origin, rate);
    row(`ordeal, open loop at ${rate}/s`, open, late(open));
    const closed = await ordealLoad(origin, null);
    row('ordeal, closed loop', closed);
    const peer = await autocannonLoad(origin);
    row('autocannon', peer);
    console.log(
      `\nordeal, recording everything, makes ${(closed.perSecond / peer.perSecond).toFixed(2)} of autocannon's load`,
    );
  } finally {
    server.kill();
  }
}
