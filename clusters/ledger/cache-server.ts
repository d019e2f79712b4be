/**
 * The cache in front of balances: a small process of its own that keeps texts by name, as memcached does, and that knows
 * nothing of what they mean. For a while that is told it can be made to forget everything, or to hand out what is wrong.
 */

import { createServer, type Server, type ServerResponse } from 'node:http';
import { realpathSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { NOW_HEADER } from './balance-cache.ts';
import { monotonicMs } from './store.ts';
import { SETTING } from './terms.ts';

const MOST_ENTRIES = 10_000;
const MOST_BYTES = 1_024;
const LONGEST_TROUBLE_MS = 600_000;
/** By how much a poisoned entry is wrong. */
const POISON = 777;

/** `GET`, `PUT /entries/NAME`; `POST /trouble/expire|poison?forMs=5000`, 0 to end it; `GET /trouble`: what was done of each. */
export function cacheServer(): Server {
  const cache = new Cache();
  const server = createServer((request, response) => {
    const url = new URL(request.url ?? '/', 'http://cache');
    const [kind, name = ''] = url.pathname.split('/').slice(1);
    if (kind === 'trouble' && request.method === 'POST') {
      cache.make(name, Number(url.searchParams.get('forMs') ?? 0));
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

type Trouble = 'expire' | 'poison';

class Cache {
  readonly #entries = new Map<string, string>();
  readonly #until: Record<Trouble, number> = { expire: 0, poison: 0 };
  /** Requests since the last trouble of a kind began that got what they would not have got without it. */
  readonly #struck: Record<Trouble, number> = { expire: 0, poison: 0 };

  make(trouble: string, forMs: number): void {
    if (trouble !== 'expire' && trouble !== 'poison') return;
    this.#until[trouble] = monotonicMs() + Math.min(forMs, LONGEST_TROUBLE_MS);
    if (forMs > 0) this.#struck[trouble] = 0;
    if (trouble === 'expire' && forMs > 0) this.#entries.clear();
  }

  seen(): Readonly<Record<Trouble, { readonly isInForce: boolean; readonly struck: number }>> {
    const of = (trouble: Trouble) => ({ isInForce: this.#isIn(trouble), struck: this.#struck[trouble] });
    return { expire: of('expire'), poison: of('poison') };
  }

  get(name: string): string | undefined {
    const text = this.#entries.get(name);
    if (this.#isIn('expire')) {
      this.#struck.expire++;
      return undefined;
    }
    if (!this.#isIn('poison') || text === undefined) return text;
    this.#struck.poison++;
    return text.replace(/-?\d+/, (digits) => String(Number(digits) + POISON));
  }

  put(name: string, text: string): void {
    if (this.#isIn('expire')) return;
    if (this.#entries.size >= MOST_ENTRIES && !this.#entries.has(name)) this.#entries.clear();
    this.#entries.set(name, text);
  }

  #isIn(trouble: Trouble): boolean {
    return monotonicMs() < this.#until[trouble];
  }
}

function send(response: ServerResponse, status: number, body: string): void {
  // Since the machine began, so that it goes on when this process is another.
  const nowMs = process.hrtime.bigint() / 1_000_000n;
  response.writeHead(status, { 'content-length': Buffer.byteLength(body), [NOW_HEADER]: String(nowMs) });
  response.end(body);
}

const isProgram = process.argv[1] !== undefined && realpathSync(process.argv[1]) === fileURLToPath(import.meta.url);
if (isProgram) {
  const [, host, port] = /^(.+):(\d+)$/.exec(process.env[SETTING.listen] ?? '') ?? [];
  cacheServer().listen(Number(port), host, () => console.log(`the cache serves on ${host}:${port}`));
}
