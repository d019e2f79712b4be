import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import type { Client } from '../../rig/contract.ts';
import type { RequestError } from '../../rig/define.ts';
import { ledgerClient } from './client.ts';

const cleanUps: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp();
});

/** A client of a service that does this to every connection on which something was asked. */
async function clientOf(behave: (socket: Socket, asked: string) => void): Promise<Client<'ledger'>> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => {});
    socket.on('data', (data: Buffer) => behave(socket, data.toString()));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const client = ledgerClient({ host: '127.0.0.1', port: (server.address() as AddressInfo).port });
  cleanUps.push(
    () => server.close(),
    () => sockets.forEach((socket) => socket.destroy()),
    () => client[Symbol.asyncDispose](),
  );
  return client;
}

const http = (status: string, body: string, headers: readonly string[] = []): string =>
  [`HTTP/1.1 ${status}`, `Content-Length: ${Buffer.byteLength(body)}`, ...headers, '', body].join('\r\n');

const transfer = { key: 'k', from: 'a1', to: 'a2', amount: 5 };

/** How a transfer through this client ended: what it got, or the class of its error and whether that is definite. */
async function outcome(client: Client<'ledger'>, withinMs = 3_000): Promise<unknown> {
  try {
    return await client.transfer(transfer, AbortSignal.timeout(withinMs));
  } catch (error) {
    const { errorClass, name } = error as RequestError;
    const ended = errorClass ?? name;
    return [ended, client.definite.has(ended) ? 'definite' : 'indefinite'];
  }
}

describe('a ledger client', () => {
  it('sends key and payload, and believes a receipt', async () => {
    let heard = '';
    const client = await clientOf((socket, asked) => {
      heard += asked;
      socket.write(http('201 Created', '{"id":"t1","amount":5}', ['Idempotent-Replayed: true']));
    });
    expect(await outcome(client)).toEqual({ id: 't1', amount: 5, replayed: true });
    expect(heard).toMatch(/^POST \/transfers HTTP\/1\.1\r\n/);
    expect(heard).toMatch(/idempotency-key: k\r\n/i);
    expect(heard).toContain('{"from":"a1","to":"a2","amount":5}');
  });

  it.each(['400', '402', '409', '422', '503'])('calls the status %s definite', async (status) => {
    const client = await clientOf((socket) => socket.write(http(`${status} No`, '{"error":"no"}')));
    expect(await outcome(client)).toEqual([`http-${status}`, 'definite']);
  });

  it.each(['200', '500', '502', '504'])('calls the status %s indefinite', async (status) => {
    const client = await clientOf((socket) => socket.write(http(`${status} Hm`, '{"id":"t1","amount":5}')));
    expect(await outcome(client)).toEqual([`http-${status}`, 'indefinite']);
  });

  it('calls a refused connection definite', async () => {
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    await new Promise((resolve) => server.close(resolve));
    const client = ledgerClient({ host: '127.0.0.1', port });
    cleanUps.push(() => client[Symbol.asyncDispose]());
    expect(await outcome(client)).toEqual(['connection-refused', 'definite']);
  });
});

describe('a ledger client of a broken or hostile service', () => {
  const header = 'HTTP/1.1 201 Created\r\n';
  it.each<[string, (socket: Socket) => void]>([
    ['hangs up without an answer', (socket) => socket.destroy()],
    ['resets the connection', (socket) => socket.resetAndDestroy()],
    ['cuts its answer short', (socket) => socket.end(`${header}Content-Length: 100\r\n\r\n{"id":`)],
    ['answers with something that is not HTTP', (socket) => socket.end('\0\0\0 what?\r\n\r\n')],
    ['answers with no JSON', (socket) => socket.write(http('201 Created', '<html>'))],
    ['answers with the wrong shape', (socket) => socket.write(http('201 Created', '{"id":7,"amount":"5"}'))],
    ['answers with nothing', (socket) => socket.write(http('201 Created', ''))],
    ['never ends its headers', (socket) => void flood(socket, `${header}X: `, 'x')],
    ['never ends its body', (socket) => void flood(socket, `${header}Transfer-Encoding: chunked\r\n\r\n`, '10000\r\n')],
    [
      'announces more than it may send',
      (socket) => socket.write(`${header}Content-Length: 9999999999\r\n\r\n${'x'.repeat(2 ** 21)}`),
    ],
  ])('that %s gets an indefinite error', async (_, behave) => {
    const client = await clientOf(behave);
    expect(await outcome(client)).toEqual([expect.any(String), 'indefinite']);
  });

  it('that never answers is left when the time is over', async () => {
    const client = await clientOf(() => {});
    expect(await outcome(client, 100)).toEqual(['TimeoutError', 'indefinite']);
  });

  it('that lists the same page for ever is not believed', async () => {
    const row = { sequence: 1, id: 't1', ...transfer };
    const client = await clientOf((socket) => socket.write(http('200 OK', JSON.stringify([row]))));
    await expect(client.applied(AbortSignal.timeout(3_000))).rejects.toThrow('does not advance');
  });
});

/** Sends the beginning and then the same again and again, until the other side has had enough. */
async function flood(socket: Socket, begin: string, again: string): Promise<void> {
  socket.write(begin);
  const block = again.repeat(Math.ceil(65_536 / again.length));
  while (!socket.destroyed) if (!socket.write(block)) await once(socket, 'drain').catch(() => {});
}
