/**
 * What a service delivers to, hosted by the rig: a webhook or payment stub that counts what comes, as often as it comes.
 * Bounded: what is too large is refused, and a sink that is full says so instead of counting on.
 */

import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { RequestError } from '../../rig/define.ts';
import type { ServiceEffects } from '../../rig/service-definition.ts';
import type { Address } from '../hosts/host.ts';

const HOST = '127.0.0.1';
const LARGEST_BYTES = 64 * 1024;
const MOST_DELIVERIES = 1_000_000;
const MOST_CONNECTIONS = 1_024;

/** One delivery: `body` is what its JSON says, or its text. */
export interface Delivery {
  readonly method: string;
  readonly path: string;
  readonly headers: IncomingMessage['headers'];
  readonly body: unknown;
}

export class Sink {
  readonly #server: Server;
  readonly #answer: { readonly status?: number; readonly body?: unknown };
  readonly #deliveries: Delivery[] = [];
  #isFull = false;

  private constructor({ answer = {} }: NonNullable<ServiceEffects['sink']>) {
    this.#answer = answer;
    this.#server = createServer((request, response) => this.#receive(request, response));
    this.#server.maxConnections = MOST_CONNECTIONS;
  }

  static async open(wanted: NonNullable<ServiceEffects['sink']>): Promise<Sink> {
    const sink = new Sink(wanted);
    sink.#server.listen(wanted.port ?? 0, HOST);
    await once(sink.#server, 'listening');
    return sink;
  }

  get address(): Address {
    return { host: HOST, port: (this.#server.address() as AddressInfo).port };
  }

  deliveries(): readonly Delivery[] {
    if (this.#isFull) throw new RequestError('sink-full', `more than ${MOST_DELIVERIES} deliveries`);
    return this.#deliveries;
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  #receive(request: IncomingMessage, response: ServerResponse): void {
    const chunks: Buffer[] = [];
    let bytes = 0;
    request.on('error', () => {});
    request.on('data', (chunk: Buffer) => {
      bytes += chunk.length;
      if (bytes <= LARGEST_BYTES) chunks.push(chunk);
    });
    request.on('end', () => {
      if (bytes > LARGEST_BYTES) return void response.writeHead(413).end();
      this.#isFull ||= this.#deliveries.length >= MOST_DELIVERIES;
      if (this.#isFull) return void response.writeHead(503).end();
      const { method = '', url: path = '', headers } = request;
      this.#deliveries.push({ method, path, headers, body: meant(Buffer.concat(chunks).toString()) });
      const { status = 200, body = { received: true } } = this.#answer;
      response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
    });
  }
}

function meant(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
