/**
 * The cache in front of balances: a small process of its own that keeps texts by name, as memcached does, and that knows
 * nothing of what they mean. For a while that is told it can be made to forget everything, or to hand out what is wrong.
 */

import { createServer, type Server, type ServerResponse } from 'node:http';
import { realpathSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { monotonicMs } from './store.ts';
import { SETTING } from './terms.ts';

const MOST_ENTRIES = 10_000;
const MOST_BYTES = 1_024;
const LONGEST_TROUBLE_MS = 600_000;
/** By how much a poisoned entry is wrong. */
const POISON = 777;

/** `GET`, `PUT /entries/NAME`; `POST /trouble/expire|poison|none?forMs=5000`; `GET /trouble`: what was done of it. */
export function cacheServer(): Server {
  const cache = new Cache();
  const server = createServer((request, response) => {
    const url = new URL(request.url ?? '/', 'http://cache');
    const [kind, name = ''] = url.pathname.split('/').slice(1);
    if (kind === 'trouble' && request.method === 'POST') {
      cache.make(name, Number(url.searchParams.get('forMs') ?? 0));
      return send(response, 200, '{}');
    }
    if (kind === 'trouble') return send(response, 200, JSON.stringify(cache.seen()));
    if (kind !== 'entries') return send(response, 404, '');
    if (request.method === 'GET') {
      const text = cache.get(name);
      return text === undefined ? send(response, 404, '') : send(response, 200, text);
    }
    let text = '';
    request.on('data', (chunk: Buffer) => {
      if (text.length <= MOST_BYTES) text += chunk.toString();
    });
    request.on('error', () => {});
    request.on('end', () => {
      if (text.length <= MOST_BYTES) cache.put(name, text);
      send(response, 204, '');
    });
  });
  server.keepAliveTimeout = 30_000;
  server.maxConnections = 256;
  return server;
}

class Cache {
  readonly #entries = new Map<string, string>();
  #trouble = { kind: 'none', untilMs: 0 };
  /** Requests since the trouble began that got what they would not have got without it. */
  #struck = 0;

  make(kind: string, forMs: number): void {
    this.#trouble = { kind, untilMs: monotonicMs() + Math.min(forMs, LONGEST_TROUBLE_MS) };
    if (kind !== 'none') this.#struck = 0;
    if (kind === 'expire') this.#entries.clear();
  }

  seen(): { readonly kind: string; readonly struck: number } {
    return { kind: this.#kind(), struck: this.#struck };
  }

  get(name: string): string | undefined {
    const kind = this.#kind();
    const text = this.#entries.get(name);
    if (kind === 'expire' || (kind === 'poison' && text !== undefined)) this.#struck++;
    return kind === 'poison' ? text?.replace(/-?\d+/, (digits) => String(Number(digits) + POISON)) : text;
  }

  put(name: string, text: string): void {
    if (this.#kind() === 'expire') return;
    if (this.#entries.size >= MOST_ENTRIES && !this.#entries.has(name)) this.#entries.clear();
    this.#entries.set(name, text);
  }

  #kind(): string {
    return monotonicMs() < this.#trouble.untilMs ? this.#trouble.kind : 'none';
  }
}

function send(response: ServerResponse, status: number, body: string): void {
  response.writeHead(status, { 'content-length': Buffer.byteLength(body) });
  response.end(body);
}

const isProgram = process.argv[1] !== undefined && realpathSync(process.argv[1]) === fileURLToPath(import.meta.url);
if (isProgram) {
  const [, host, port] = /^(.+):(\d+)$/.exec(process.env[SETTING.listen] ?? '') ?? [];
  cacheServer().listen(Number(port), host, () => console.log(`the cache serves on ${host}:${port}`));
}
