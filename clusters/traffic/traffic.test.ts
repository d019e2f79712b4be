import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import { type AddressInfo, connect, createServer as createTcpServer, type Socket } from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { Pool } from 'undici';
import { afterEach, describe, expect, it } from 'vitest';
import { RealClock } from '../../rig/clock.ts';
import type { NodeId, TrafficAct, TrafficRule, WireEntry } from '../../rig/contract.ts';
import type { Address } from '../hosts/host.ts';
import { proxyOverhead } from './proxy-overhead.ts';
import { Traffic } from './traffic.ts';

const cleanUps: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp();
});

let runs = 0;

/** Nodes that note what arrives, `n1: POST /x k`, and answer with how much that was. */
class Bench {
  readonly arrived: string[] = [];
  readonly clock = new RealClock();
  readonly wireFile: string;
  readonly #servers: Server[] = [];
  #traffic: Traffic | null = null;

  private constructor(directory: string) {
    this.wireFile = path.join(directory, 'wire.jsonl');
  }

  static async up(nodes: readonly NodeId[] = ['n1', 'n2']): Promise<Bench> {
    const directory = await mkdtemp(path.join(os.tmpdir(), 'ordeal-traffic-'));
    const bench = new Bench(directory);
    cleanUps.push(
      () => rm(directory, { recursive: true }),
      () => bench.down(),
    );
    const targets = new Map<NodeId, Address>();
    for (const node of nodes) targets.set(node, await bench.#serve(node));
    await bench.open(targets);
    return bench;
  }

  async open(targets: ReadonlyMap<NodeId, Address>): Promise<void> {
    const { clock, wireFile } = this;
    const runId = `traffic-${process.pid}-${++runs}`;
    this.#traffic = await Traffic.open({ runId, clock, wireFile, targets, keyField: 'idempotency-key' });
  }

  static async of(target: Address): Promise<Bench> {
    const bench = await Bench.up([]);
    await bench.traffic.close();
    await bench.open(new Map([['n1', target]]));
    return bench;
  }

  get traffic(): Traffic {
    return this.#traffic as Traffic;
  }

  apply(act: TrafficAct, rest: Partial<TrafficRule> = {}, hold = 'hold'): void {
    this.traffic.apply(hold, { nodes: ['n1'], ...rest, act });
  }

  /** The status of the answer and its body, or the code of the error. */
  async ask(key: string | null = null, method = 'POST', patienceMs = 3_000, node = 'n1'): Promise<string> {
    const { host, port } = this.traffic.address(node);
    const pool = new Pool(`http://${host}:${port}`);
    try {
      const headers = key === null ? {} : { 'idempotency-key': key };
      const request = { method, path: '/x', headers, body: method === 'POST' ? 'payload' : null } as const;
      const { statusCode, body } = await pool.request({ ...request, signal: AbortSignal.timeout(patienceMs) });
      return `${statusCode} ${await body.text()}`;
    } catch (error) {
      const { code, name } = error as NodeJS.ErrnoException;
      return name === 'TimeoutError' ? name : String(code);
    } finally {
      await pool.destroy();
    }
  }

  /** Once the proxies are closed, in the order in which the requests were sent. */
  async wire(): Promise<WireEntry[]> {
    await this.traffic.close();
    const lines = (await readFile(this.wireFile, 'utf8')).split('\n').filter((line) => line !== '');
    return lines.map((line) => JSON.parse(line) as WireEntry).sort((a, b) => a.number - b.number);
  }

  async down(): Promise<void> {
    await this.#traffic?.close();
    for (const server of this.#servers) {
      server.closeAllConnections();
      server.close();
    }
  }

  async #serve(node: NodeId): Promise<Address> {
    const server = createServer((request, response) => {
      const chunks: Buffer[] = [];
      request.on('data', (chunk: Buffer) => chunks.push(chunk));
      request.on('error', () => this.arrived.push(`${node}: torn`));
      request.on('end', () => {
        this.arrived.push(`${node}: ${request.method} ${request.headers['idempotency-key'] ?? '-'}`);
        response.end(`${Buffer.concat(chunks)} ${this.arrived.length}`);
      });
    }).listen(0, '127.0.0.1');
    this.#servers.push(server);
    await once(server, 'listening');
    return { host: '127.0.0.1', port: (server.address() as AddressInfo).port };
  }
}

/** A server of raw TCP that does this to everybody who calls. */
async function rawServer(behave: (socket: Socket) => void): Promise<Address> {
  const sockets = new Set<Socket>();
  const server = createTcpServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => {});
    behave(socket);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  cleanUps.push(() => {
    server.close();
    for (const socket of sockets) socket.destroy();
  });
  return { host: '127.0.0.1', port: (server.address() as AddressInfo).port };
}

describe('traffic without a rule', () => {
  it('passes as it is, and is on the wire log', async () => {
    const bench = await Bench.up();
    expect(await bench.ask('k1')).toBe('200 payload 1');
    expect(await bench.ask(null, 'GET', 3_000, 'n2')).toBe('200  2');
    const [first, second] = await bench.wire();
    expect(first).toMatchObject({ number: 0, origin: 'client', node: 'n1', method: 'POST', path: '/x', key: 'k1' });
    expect(first).toMatchObject({ payload: '239f59ed55e737c7', status: 200, answered: true });
    expect(first).not.toHaveProperty('rule');
    expect(second).toMatchObject({ number: 1, node: 'n2', method: 'GET', key: null, payload: null, answered: true });
  });

  it('passes bytes that are no HTTP unchanged, both ways', async () => {
    const bench = await Bench.of(await rawServer((socket) => socket.on('data', (data) => socket.write(data))));
    const { host, port } = bench.traffic.address('n1');
    const socket = connect(port, host);
    const garbage = Buffer.from(Array.from({ length: 3_000 }, (_, at) => (at * 31) % 256));
    socket.write(garbage);
    const heard: Buffer[] = [];
    socket.on('data', (chunk: Buffer) => {
      heard.push(chunk);
      if (Buffer.concat(heard).length >= garbage.length) socket.destroy();
    });
    await once(socket, 'close');
    expect(Buffer.concat(heard)).toEqual(garbage);
  });

  it('is refused as long as nobody listens, and passes again when somebody does', async () => {
    const address = await rawServer(() => {});
    const bench = await Bench.of({ ...address, port: 1 });
    expect(await bench.ask('k')).not.toMatch(/^200/);
    await expect.poll(() => bench.ask('k')).toBe('ECONNREFUSED');
  });
});

describe('a rule', () => {
  it('loses the answer after the node has done its work: by a reset, or in silence until it is released', async () => {
    const bench = await Bench.up();
    bench.apply({ do: 'lose-answer', by: 'reset' }, { most: 1 }, 'first');
    expect(await bench.ask('k1')).toMatch(/ECONNRESET|UND_ERR_SOCKET/);
    bench.apply({ do: 'lose-answer', by: 'silence' }, { most: 1 }, 'second');
    const silent = bench.ask('k2', 'POST', 10_000);
    await expect.poll(() => bench.traffic.evidence('second')?.effective).toBe(true);
    await bench.traffic.release('second');
    expect(await silent).toMatch(/ECONNRESET|UND_ERR_SOCKET/);
    expect(await bench.ask('k3')).toBe('200 payload 3');
    expect(bench.arrived).toEqual(['n1: POST k1', 'n1: POST k2', 'n1: POST k3']);
    expect(await bench.wire()).toMatchObject([
      { key: 'k1', status: 200, answered: false, rule: 'first' },
      { key: 'k2', status: 200, answered: false, rule: 'second' },
      { key: 'k3', status: 200, answered: true },
    ]);
  });

  it('repeats a request at another node, and the client hears the answer to its own', async () => {
    const bench = await Bench.up();
    bench.apply({ do: 'repeat', copies: 2, to: 'others', when: 'answered', gapMs: 0, answer: 'passed' });
    expect(await bench.ask('k1')).toBe('200 payload 1');
    await expect.poll(() => bench.arrived).toEqual(['n1: POST k1', 'n2: POST k1', 'n2: POST k1']);
    await bench.traffic.release('hold');
    const [original, ...copies] = await bench.wire();
    for (const copy of copies) {
      expect(copy).toMatchObject({ origin: 'copy', of: original?.number, node: 'n2', key: 'k1', answered: true });
      expect(copy.payload).toBe(original?.payload);
    }
    expect(copies).toHaveLength(2);
  });

  it('makes a storm of a request whose answer is lost', async () => {
    const bench = await Bench.up();
    bench.apply({ do: 'repeat', copies: 9, to: 'same', when: 'at-once', gapMs: 1, answer: 'lost' }, { most: 1 });
    expect(await bench.ask('k1')).toMatch(/ECONNRESET|UND_ERR_SOCKET/);
    await expect.poll(() => bench.arrived.length).toBe(10);
  });

  it('keeps copies until it is released, and its release waits until they have arrived', async () => {
    const bench = await Bench.up();
    bench.apply({ do: 'repeat', copies: 1, to: 'same', when: 'released', gapMs: 0, answer: 'passed' });
    for (const key of ['k1', 'k2']) await bench.ask(key);
    expect(bench.arrived).toHaveLength(2);
    await bench.traffic.release('hold');
    expect([...bench.arrived].sort()).toEqual(['n1: POST k1', 'n1: POST k1', 'n1: POST k2', 'n1: POST k2']);
    await bench.traffic.release('hold');
    expect(bench.arrived).toHaveLength(4);
    expect(() => bench.apply({ do: 'swap', withinMs: 1 })).toThrow('already released');
  });

  it('delivers nothing more of what it kept once the traffic is closed', async () => {
    const bench = await Bench.up();
    bench.apply({ do: 'repeat', copies: 1, to: 'same', when: 'released', gapMs: 0, answer: 'passed' });
    await bench.ask('k1');
    await bench.traffic.close();
    await bench.traffic.release('hold');
    expect(bench.arrived).toEqual(['n1: POST k1']);
  });

  it('delays a request, which arrives although its client has given up', async () => {
    const bench = await Bench.up();
    bench.apply({ do: 'delay', what: 'request', ms: 200 }, { most: 1 });
    expect(await bench.ask('k1', 'POST', 50)).toBe('TimeoutError');
    expect(bench.arrived).toEqual([]);
    await expect.poll(() => bench.arrived).toEqual(['n1: POST k1']);
  });

  it('delays an answer', async () => {
    const bench = await Bench.up();
    bench.apply({ do: 'delay', what: 'answer', ms: 150 });
    const beganNs = bench.clock.nowNs();
    expect(await bench.ask('k1')).toBe('200 payload 1');
    expect(bench.clock.nowNs() - beganNs).toBeGreaterThan(140e6);
  });

  it('lets the second of two requests overtake the first, and a lone one go after its time', async () => {
    const bench = await Bench.up();
    bench.apply({ do: 'swap', withinMs: 2_000 }, { most: 2 }, 'swap');
    const first = bench.ask('k1');
    await bench.clock.sleep(50);
    expect(await bench.ask('k2')).toBe('200 payload 1');
    expect(await first).toBe('200 payload 2');
    expect(bench.arrived).toEqual(['n1: POST k2', 'n1: POST k1']);
    expect(bench.traffic.evidence('swap')).toEqual({ effective: true, observed: '2 requests changed places' });
    bench.apply({ do: 'swap', withinMs: 50 }, {}, 'lone');
    expect(await bench.ask('k3')).toBe('200 payload 3');
    expect(bench.traffic.evidence('lone')?.effective).toBe(false);
  });

  it.each(['reset', 'end'] as const)('tears an answer and a request in the middle, by %s', async (by) => {
    const bench = await Bench.up();
    bench.apply({ do: 'tear', what: 'answer', by }, { most: 1 }, 'answer');
    expect(await bench.ask('k1')).not.toMatch(/^200/);
    expect(bench.arrived).toEqual(['n1: POST k1']);
    bench.apply({ do: 'tear', what: 'request', by }, { most: 1 }, 'request');
    expect(await bench.ask('k2')).not.toMatch(/^200/);
    expect(bench.arrived).not.toContain('n1: POST k2');
    expect(await bench.ask('k3')).toMatch(/^200/);
  });
});

describe('which requests a rule has', () => {
  const lose: TrafficAct = { do: 'delay', what: 'answer', ms: 0 };

  it('is told by node, method, path, key, number and most', async () => {
    const bench = await Bench.up();
    const struck = async (rule: Partial<TrafficRule>, ask: () => Promise<unknown>): Promise<number> => {
      const hold = `rule ${++runs}`;
      bench.apply(lose, rule, hold);
      await ask();
      const count = Number(/^\d+/.exec(bench.traffic.evidence(hold)?.observed ?? '')?.[0]);
      await bench.traffic.release(hold);
      return count;
    };
    const three = async () => {
      for (const key of ['a', 'b', null]) await bench.ask(key);
    };
    expect(await struck({}, three)).toBe(3);
    expect(await struck({ nodes: ['n2'] }, three)).toBe(0);
    expect(await struck({ methods: ['PUT', 'POST'] }, three)).toBe(3);
    expect(await struck({ methods: ['GET'] }, three)).toBe(0);
    expect(await struck({ path: '/x' }, three)).toBe(3);
    expect(await struck({ path: '/y' }, three)).toBe(0);
    expect(await struck({ key: 'b' }, three)).toBe(1);
    expect(await struck({ key: '*' }, three)).toBe(2);
    expect(await struck({ every: 2 }, three)).toBe(2);
    expect(await struck({ most: 1 }, three)).toBe(1);
  });

  it('depends on the seed and the request, not on the order in which requests come', async () => {
    const keys = Array.from({ length: 40 }, (_, nth) => `k${nth}`);
    const picked = async (order: readonly string[], seed: number) => {
      const bench = await Bench.up();
      bench.apply(lose, { chance: 0.5, seed });
      for (const key of order) await bench.ask(key);
      const struck = (await bench.wire()).filter(({ rule }) => rule !== undefined);
      return struck.map(({ key }) => String(key)).toSorted();
    };
    const some = await picked(keys, 1);
    expect(some.length).toBeGreaterThan(8);
    expect(some.length).toBeLessThan(32);
    expect(await picked([...keys].reverse(), 1)).toEqual(some);
    expect(await picked(keys, 2)).not.toEqual(some);
  });

  it('must be possible', async () => {
    const bench = await Bench.up();
    expect(() => bench.apply(lose, { nodes: ['n9'] })).toThrow('a traffic rule names n9; there are n1, n2');
    expect(() => bench.apply(lose, { chance: 2 })).toThrow('from 0 to 1');
    expect(() => bench.apply({ do: 'delay', what: 'answer', ms: 1e9 })).toThrow('from 0 to 60000');
  });
});

it('what a proxy adds can be measured', async () => {
  const { directMs, throughMs, addedMs } = await proxyOverhead(50);
  expect(directMs).toBeGreaterThan(0);
  expect(throughMs).toBeCloseTo(directMs + addedMs);
});

describe('a hostile node', () => {
  it('whose answer never ends is let go when its client has had enough, and a rule keeps no more than its bound', async () => {
    const endless = await rawServer((socket) => {
      socket.write('HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n');
      const more = () => {
        while (!socket.destroyed && socket.write(`10000\r\n${'x'.repeat(65_536)}\r\n`));
      };
      socket.on('drain', more);
      socket.once('data', more);
    });
    const bench = await Bench.of(endless);
    bench.apply({ do: 'tear', what: 'answer', by: 'end' });
    const before = process.memoryUsage().arrayBuffers;
    expect(await bench.ask('k1', 'POST', 300)).toBe('TimeoutError');
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(256 * 1024 * 1024);
  });

  it('that answers before it was asked passes unread', async () => {
    const early = await rawServer((socket) => socket.end('HTTP/1.1 408 Late\r\ncontent-length: 0\r\n\r\n'));
    const bench = await Bench.of(early);
    expect(await bench.ask('k1')).not.toMatch(/^200/);
  });
});
