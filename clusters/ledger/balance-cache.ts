/**
 * What a process of the ledger keeps in the cache: balances as they were at a time, each under a seal that only the
 * ledger can make. A cache that does not answer, or answers with something else, is as good as an empty one.
 */

import { createHmac } from 'node:crypto';
import { Agent, request } from 'node:http';
import { LIMITS } from './terms.ts';

/** A balance, and the Unix time in milliseconds at which it was held. */
export interface CachedBalance {
  readonly balance: number;
  readonly atMs: number;
}

const MOST_BYTES = 1_024;

export class BalanceCache {
  readonly #agent = new Agent({ keepAlive: true, maxSockets: 8 });
  readonly #host: string;
  readonly #port: number;
  readonly #secret: string;
  readonly #isSealed: boolean;

  /** `isSealed: false`: whatever the cache says is believed. */
  constructor(host: string, port: number, secret: string, isSealed: boolean) {
    this.#host = host;
    this.#port = port;
    this.#secret = secret;
    this.#isSealed = isSealed;
  }

  /** Never rejects. */
  async get(account: string): Promise<CachedBalance | null> {
    const text = await this.#ask('GET', account);
    const [balance, atMs, seal] = (text ?? '').split(' ');
    if (seal === undefined || (this.#isSealed && seal !== this.#seal(account, `${balance} ${atMs}`))) return null;
    return Number.isFinite(Number(balance)) ? { balance: Number(balance), atMs: Number(atMs) } : null;
  }

  /** Never rejects. */
  async put(account: string, { balance, atMs }: CachedBalance): Promise<void> {
    const text = `${balance} ${atMs}`;
    await this.#ask('PUT', account, `${text} ${this.#seal(account, text)}`);
  }

  close(): void {
    this.#agent.destroy();
  }

  #seal(account: string, text: string): string {
    return createHmac('sha256', this.#secret).update(`${account} ${text}`).digest('hex').slice(0, 32);
  }

  /** What it answered with 200; `null` for anything else. */
  #ask(method: string, account: string, body = ''): Promise<string | null> {
    return new Promise((resolve) => {
      const asked = request(
        {
          host: this.#host,
          port: this.#port,
          method,
          path: `/entries/${encodeURIComponent(account)}`,
          agent: this.#agent,
          signal: AbortSignal.timeout(LIMITS.copyMs),
          headers: { 'content-length': Buffer.byteLength(body) },
        },
        (response) => {
          let text = '';
          response.on('data', (chunk: Buffer) => {
            text += chunk.toString();
            if (text.length > MOST_BYTES) asked.destroy();
          });
          response.on('error', () => resolve(null));
          response.on('end', () => resolve(response.statusCode === 200 ? text : null));
        },
      );
      asked.on('error', () => resolve(null));
      asked.on('close', () => resolve(null));
      asked.end(body);
    });
  }
}
