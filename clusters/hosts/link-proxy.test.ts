import { once } from 'node:events';
import { createConnection, createServer, type Server, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, describe, expect, it } from 'vitest';
import { FreePorts } from './free-ports.ts';
import { Random } from '../../rig/random.ts';
import type { Act } from './impairment.ts';
import { LinkProxy } from './link-proxy.ts';

const rng = new Random('links');
const drop: Act = { do: 'drop' };
const cut = (proxy: LinkProxy, forth: boolean, back: boolean) => proxy.impair(forth ? [drop] : [], back ? [drop] : []);
const unheard = ({ forth, back }: LinkProxy) => ({
  forth: forth.counts.get('drop') ?? 0,
  back: back.counts.get('drop') ?? 0,
});

const HOST = '127.0.0.1';
/** Long enough for bytes on one machine to arrive, if they are to. */
const ARRIVAL_MS = 60;

const cleanUps: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp();
});

/** Keeps what it reads, and answers every chunk with itself. */
class Echo {
  readonly server: Server;
  readonly sockets = new Set<Socket>();
  heard = '';

  private constructor() {
    this.server = createServer((socket) => {
      this.sockets.add(socket);
      socket.on('data', (chunk: Buffer) => {
        this.heard += chunk.toString();
        socket.write(chunk);
      });
      socket.on('error', () => {});
    });
  }

  static async open(port: number): Promise<Echo> {
    const echo = new Echo();
    echo.server.listen(port, HOST);
    await once(echo.server, 'listening');
    cleanUps.push(() => echo.close());
    return echo;
  }

  async close(): Promise<void> {
    for (const socket of this.sockets) socket.destroy();
    await new Promise((resolve) => this.server.close(resolve));
  }
}

class Caller {
  readonly socket: Socket;
  heard = '';
  closed = false;

  constructor(port: number) {
    this.socket = createConnection(port, HOST);
    this.socket.on('data', (chunk: Buffer) => {
      this.heard += chunk.toString();
    });
    this.socket.on('error', () => {});
    this.socket.on('close', () => {
      this.closed = true;
    });
    cleanUps.push(() => this.socket.destroy());
  }
}

async function link(): Promise<{ ports: FreePorts; echo: Echo; proxy: LinkProxy; call(): Caller }> {
  const ports = new FreePorts(HOST, expect.getState().currentTestName ?? '');
  const target = { host: HOST, port: await ports.take() };
  const echo = await Echo.open(target.port);
  const proxy = await LinkProxy.open(HOST, ports.candidates(), target, rng);
  cleanUps.push(() => proxy.close());
  return { ports, echo, proxy, call: () => new Caller(proxy.address.port) };
}

const until = async (condition: () => boolean): Promise<void> => {
  for (let tries = 0; !condition(); tries++) {
    if (tries > 400) throw new Error('this never came true');
    await sleep(5);
  }
};

describe('a link that is not cut', () => {
  it('carries bytes both ways and counts nothing as unheard', async () => {
    const { proxy, echo, call } = await link();
    const caller = call();
    caller.socket.write('hello');
    await until(() => caller.heard === 'hello');
    expect(echo.heard).toBe('hello');
    expect(unheard(proxy)).toEqual({ forth: 0, back: 0 });
  });

  it('carries megabytes unchanged', async () => {
    const { echo, call } = await link();
    const caller = call();
    const text = 'x'.repeat(4 * 1024 * 1024);
    caller.socket.write(text);
    await until(() => caller.heard.length === text.length);
    expect(echo.heard.length).toBe(text.length);
  });

  it('passes on the end of a connection from either side', async () => {
    const { echo, call } = await link();
    const first = call();
    first.socket.write('a');
    await until(() => first.heard === 'a');
    first.socket.end();
    await until(() => [...echo.sockets].every((socket) => socket.destroyed));
    const second = call();
    second.socket.write('b');
    await until(() => second.heard === 'b');
    for (const socket of echo.sockets) socket.destroy();
    await until(() => second.closed);
  });
});

describe('a link that is cut one way', () => {
  it('keeps the target from hearing an existing connection while the caller still hears', async () => {
    const { proxy, echo, call } = await link();
    const caller = call();
    caller.socket.write('before.');
    await until(() => caller.heard === 'before.');
    cut(proxy, true, false);
    caller.socket.write('during.');
    for (const socket of echo.sockets) socket.write('spoken.');
    await until(() => caller.heard === 'before.spoken.');
    await sleep(ARRIVAL_MS);
    expect(echo.heard).toBe('before.');
    expect(unheard(proxy).forth).toBeGreaterThan(0);
    expect(unheard(proxy).back).toBe(0);
  });

  it('keeps the caller from hearing while the target still hears', async () => {
    const { proxy, echo, call } = await link();
    const caller = call();
    caller.socket.write('before.');
    await until(() => caller.heard === 'before.');
    cut(proxy, false, true);
    caller.socket.write('during.');
    await until(() => echo.heard === 'before.during.');
    await sleep(ARRIVAL_MS);
    expect(caller.heard).toBe('before.');
    expect(unheard(proxy)).toEqual({ forth: 0, back: 1 });
  });

  it('delivers after the cut what was said during it, once and in order', async () => {
    const { proxy, echo, call } = await link();
    const caller = call();
    caller.socket.write('1');
    await until(() => caller.heard === '1');
    cut(proxy, true, true);
    for (const digit of ['2', '3', '4']) {
      caller.socket.write(digit);
      await sleep(10);
    }
    cut(proxy, false, false);
    await until(() => caller.heard === '1234');
    expect(echo.heard).toBe('1234');
  });

  it('delivers the end of a connection after what was said before it', async () => {
    const { proxy, echo, call } = await link();
    const caller = call();
    caller.socket.write('1');
    await until(() => caller.heard === '1');
    cut(proxy, true, false);
    caller.socket.end('2');
    await sleep(ARRIVAL_MS);
    expect([...echo.sockets].some((socket) => socket.destroyed)).toBe(false);
    cut(proxy, false, false);
    await until(() => [...echo.sockets].every((socket) => socket.destroyed));
    expect(echo.heard).toBe('12');
  });

  it('stops reading when too much waits, and loses nothing of it', async () => {
    const { proxy, echo, call } = await link();
    const caller = call();
    caller.socket.write('.');
    await until(() => caller.heard === '.');
    cut(proxy, true, false);
    const text = 'y'.repeat(32 * 1024 * 1024);
    caller.socket.write(text);
    await sleep(4 * ARRIVAL_MS);
    expect(caller.socket.writableLength).toBeGreaterThan(0);
    cut(proxy, false, false);
    await until(() => caller.heard.length === text.length + 1);
    expect(echo.heard.length).toBe(text.length + 1);
  });
});

describe('a connection that is new while either way is cut', () => {
  it.each([
    ['the way to the target', true, false],
    ['the way back', false, true],
  ])('is silent with %s cut, and served after the cut', async (_, forth, back) => {
    const { proxy, echo, call } = await link();
    cut(proxy, forth, back);
    const caller = call();
    caller.socket.write('late');
    await sleep(ARRIVAL_MS);
    expect([echo.heard, caller.heard, caller.closed]).toEqual(['', '', false]);
    expect(unheard(proxy)).toEqual({ forth: Number(forth), back: Number(back) });
    cut(proxy, false, false);
    await until(() => caller.heard === 'late');
  });

  it('has sent nothing if the caller gives up before the cut ends', async () => {
    const { proxy, echo, call } = await link();
    cut(proxy, true, false);
    const caller = call();
    caller.socket.write('never');
    await sleep(ARRIVAL_MS);
    caller.socket.destroy();
    await sleep(ARRIVAL_MS);
    cut(proxy, false, false);
    await sleep(ARRIVAL_MS);
    expect(echo.heard).toBe('');
  });
});

describe('a link whose target does not listen', () => {
  it('refuses connections, is silent while it is cut, and serves when the target is back', async () => {
    const { proxy, echo, call } = await link();
    const { port } = echo.server.address() as { port: number };
    await echo.close();
    const first = call();
    await until(() => first.closed);
    const refused = createConnection(proxy.address.port, HOST);
    const [error] = (await once(refused, 'error')) as [NodeJS.ErrnoException];
    expect(error.code).toBe('ECONNREFUSED');

    cut(proxy, true, false);
    await until(() => true);
    const silent = call();
    await sleep(ARRIVAL_MS);
    expect(silent.closed).toBe(false);
    silent.socket.destroy();
    cut(proxy, false, false);

    await Echo.open(port);
    await sleep(2 * ARRIVAL_MS);
    const served = call();
    served.socket.write('back');
    await until(() => served.heard === 'back');
  });
});

describe('a proxy without a free port', () => {
  it('tries the next port when one is in use', async () => {
    const { ports, echo } = await link();
    const { port: used } = echo.server.address() as { port: number };
    const free = await ports.take();
    const proxy = await LinkProxy.open(HOST, [used, free], { host: HOST, port: used }, rng);
    cleanUps.push(() => proxy.close());
    expect(proxy.address.port).toBe(free);
  });

  it('says which port was in use when none is left', async () => {
    const { echo } = await link();
    const { port: used } = echo.server.address() as { port: number };
    const opening = LinkProxy.open(HOST, [used], { host: HOST, port: used }, rng);
    await expect(opening).rejects.toThrow(`EADDRINUSE: address already in use 127.0.0.1:${used}`);
  });
});
