/** What is delivered to the rig's sink is counted as often as it comes; what is hostile costs it little, and is refused. */

import { once } from 'node:events';
import { createConnection, type Socket } from 'node:net';
import { createTransport, type Transporter } from 'nodemailer';
import { afterEach, describe, expect, it } from 'vitest';
import { Sink } from './sink.ts';

const cleanUps: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp();
});

async function opened(kind: 'http' | 'smtp'): Promise<Sink> {
  const sink = await Sink.open({ kind });
  cleanUps.push(() => sink.close());
  return sink;
}

describe('a sink for mail', () => {
  const posting = (sink: Sink, more: object = {}): Transporter => {
    const transport = createTransport({ ...sink.address('127.0.0.1'), ...more });
    cleanUps.push(() => transport.close());
    return transport;
  };
  const receipt = (key: string) => ({
    from: 'shop@example.com',
    to: 'ann@example.com, bob@example.com',
    subject: `Receipt for ${key}`,
    text: `We took 5 € from you.\nReference: ${key}\n`,
    headers: { 'X-Key': key },
  });

  it('counts each message as often as it comes, and reads what it says', async () => {
    const sink = await opened('smtp');
    expect(sink.url('127.0.0.1')).toMatch(/^smtp:\/\/127\.0\.0\.1:\d+$/);
    for (const key of ['k1', 'k2', 'k1']) await posting(sink).sendMail(receipt(key));
    expect(sink.deliveries()).toHaveLength(3);
    expect(sink.deliveries()[0]).toMatchObject({
      from: 'shop@example.com',
      to: ['ann@example.com', 'bob@example.com'],
      subject: 'Receipt for k1',
      headers: { 'x-key': 'k1' },
      text: 'We took 5 € from you.\nReference: k1',
    });
  });

  it('lets in whoever has a password, and whoever has none', async () => {
    const sink = await opened('smtp');
    await posting(sink, { auth: { user: 'shop', pass: 'secret' } }).sendMail(receipt('k1'));
    expect(sink.deliveries()).toHaveLength(1);
  });

  it('refuses what is too large, and counts on', async () => {
    const sink = await opened('smtp');
    const large = { ...receipt('k1'), text: 'x'.repeat(200_000) };
    await expect(posting(sink).sendMail(large)).rejects.toThrow(/552|size/);
    await posting(sink).sendMail(receipt('k2'));
    expect(sink.deliveries()).toMatchObject([{ subject: 'Receipt for k2' }]);
  });

  it('counts no message that never ends, and none whose end did not come', async () => {
    const sink = await opened('smtp');
    const { socket, say } = await speaking(sink);
    for (const line of ['EHLO x', 'MAIL FROM:<a@x>', 'RCPT TO:<b@x>', 'DATA']) await say(line);
    const before = process.memoryUsage().rss;
    for (let nth = 0; nth < 60; nth++) if (!socket.write('x'.repeat(1e6))) await once(socket, 'drain');
    expect(process.memoryUsage().rss - before).toBeLessThan(50e6);
    socket.destroy();
    await posting(sink).sendMail(receipt('k1'));
    expect(sink.deliveries()).toHaveLength(1);
  });

  it.each<[string, string]>([
    ['a command without an end', 'x'.repeat(1e6)],
    ['what is no mail', '\0\0\r\nGET / HTTP/1.1\r\n\r\n'],
    ['recipients without number', `EHLO x\r\nMAIL FROM:<a@x>\r\n${'RCPT TO:<b@x>\r\n'.repeat(5_000)}QUIT\r\n`],
    [
      'parts within parts',
      `EHLO x\r\nMAIL FROM:<a@x>\r\nRCPT TO:<b@x>\r\nDATA\r\n${Array.from(
        { length: 500 },
        (_, nth) => `Content-Type: multipart/mixed; boundary=b${nth}\r\n\r\n--b${nth}\r\n`,
      ).join('')}\r\n.\r\nQUIT\r\n`,
    ],
  ])('bears %s, and counts on', async (_, bytes) => {
    const sink = await opened('smtp');
    const { socket } = await speaking(sink);
    socket.end(bytes);
    await once(socket, 'close');
    const counted = sink.deliveries().length;
    expect(counted).toBeLessThanOrEqual(1);
    await posting(sink).sendMail(receipt('k1'));
    expect(sink.deliveries()).toHaveLength(counted + 1);
  });
});

describe('a sink for calls by HTTP', () => {
  const post = (sink: Sink, body: string) => fetch(sink.url('127.0.0.1'), { method: 'POST', body });

  it('counts each call as often as it comes', async () => {
    const sink = await opened('http');
    for (const key of ['k1', 'k1']) expect((await post(sink, JSON.stringify({ key }))).status).toBe(200);
    expect(sink.deliveries()).toMatchObject([{ body: { key: 'k1' } }, { body: { key: 'k1' } }]);
  });

  it('refuses what is too large, and counts on', async () => {
    const sink = await opened('http');
    expect((await post(sink, 'x'.repeat(200_000))).status).toBe(413);
    expect((await post(sink, 'small')).status).toBe(200);
    expect(sink.deliveries()).toMatchObject([{ body: 'small' }]);
  });
});

it('a sink that cannot listen where programs look for it says so', async () => {
  const sink = await opened('http');
  sink.address('192.0.2.1');
  await expect
    .poll(() => {
      try {
        return sink.deliveries();
      } catch (error) {
        return (error as Error).message;
      }
    })
    .toMatch(/^the sink cannot listen at 192\.0\.2\.1:\d+: /);
});

/** A client that says one line after the other, and hears what comes back. */
async function speaking(sink: Sink): Promise<{ socket: Socket; say: (line: string) => Promise<unknown> }> {
  const socket = createConnection(sink.address('127.0.0.1'));
  socket.on('error', () => {});
  cleanUps.push(() => socket.destroy());
  await once(socket, 'data');
  const say = async (line: string) => {
    socket.write(`${line}\r\n`);
    return once(socket, 'data');
  };
  return { socket, say };
}
