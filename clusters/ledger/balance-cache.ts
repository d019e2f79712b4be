/**
 * What a process of the ledger keeps in the cache: balances as they were at a time, each under a seal that only the
 * ledger can make. A cache that does not answer, or answers with something else, is as good as an empty one.
 *
 * How old an entry is, is told by the cache's clock alone, since those of the processes may differ: every answer bears
 * its time, from which a process knows a time that the cache's clock has passed already.
 */

import { createHmac } from 'node:crypto';
import { Agent, request } from 'node:http';
import { monotonicMs } from './store.ts';
import { LIMITS } from './terms.ts';

/** In every answer of the cache: its time in milliseconds, of a clock that never goes back. */
export const NOW_HEADER = 'x-now-ms';

/** A balance, and how long ago it was held, at the most. */
export interface CachedBalance {
  readonly balance: number;
  readonly ageMs: number;
}

const MOST_BYTES = 1_024;

export class BalanceCache {
  readonly #agent = new Agent({ keepAlive: true, maxSockets: 8 });
  readonly #host: string;
  readonly #port: number;
  readonly #secret: string;
  readonly #isSealed: boolean;
  /** What must be added to the time here for a time that the cache has passed. */
  #behindMs: number | null = null;

  /** `isSealed: false`: whatever the cache says is believed. */
  constructor(host: string, port: number, secret: string, isSealed: boolean) {
    this.#host = host;
    this.#port = port;
    this.#secret = secret;
    this.#isSealed = isSealed;
  }

  /** Never rejects. */
  async get(account: string): Promise<CachedBalance | null> {
    const { text = '', nowMs } = (await this.#ask('GET', account)) ?? {};
    const [balance, atMs, seal] = text.split(' ');
    if (seal === undefined || (this.#isSealed && seal !== this.#seal(account, `${balance} ${atMs}`))) return null;
    // Its time is told in whole milliseconds, rounded down.
    const ageMs = Number(nowMs) + 1 - Number(atMs);
    return Number.isFinite(Number(balance)) && ageMs >= 0 ? { balance: Number(balance), ageMs } : null;
  }

  /** Puts down a balance that was held at `atMs`, a `monotonicMs` of this process, or later. Never rejects. */
  async put(account: string, balance: number, atMs: number): Promise<void> {
    if (this.#behindMs === null) await this.#ask('GET', account);
    if (this.#behindMs === null) return;
    const text = `${balance} ${Math.floor(atMs + this.#behindMs)}`;
    await this.#ask('PUT', account, `${text} ${this.#seal(account, text)}`);
  }

  close(): void {
    this.#agent.destroy();
  }

  #seal(account: string, text: string): string {
    return createHmac('sha256', this.#secret).update(`${account} ${text}`).digest('hex').slice(0, 32);
  }

  /** What it answered with 200, and its time; `null` for anything else. */
  #ask(method: string, account: string, body = ''): Promise<{ readonly text: string; readonly nowMs: number } | null> {
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
          const nowMs = Number(response.headers[NOW_HEADER] ?? Number.NaN);
          // It may be another process by now; what it does not tell is not known.
          this.#behindMs = Number.isFinite(nowMs) ? nowMs - monotonicMs() : null;
          response.on('end', () => resolve(response.statusCode === 200 ? { text, nowMs } : null));
        },
      );
      asked.on('error', () => {
        this.#behindMs = null;
        resolve(null);
      });
      asked.on('close', () => resolve(null));
      asked.end(body);
    });
  }
}
