/**
 * The wire log: every request that was really sent to a node, a line of `wire.jsonl` each, whoever sent it. Bounded:
 * a log that is full says so in its last line, and then nothing can be told from what it lacks.
 */

import { createHash } from 'node:crypto';
import { createWriteStream, type WriteStream } from 'node:fs';
import type { Clock } from '../../rig/clock.ts';
import type { WireEntry } from '../../rig/contract.ts';

const MOST_BYTES = 256 * 1024 * 1024;
const FLUSH_BYTES = 64 * 1024;
const FLUSH_MS = 100;
const LONGEST_KEY = 1024;
const LONGEST_PATH = 256;

export class WireLog {
  readonly #clock: Clock;
  readonly #file: WriteStream;
  #lines: string[] = [];
  #waitingBytes = 0;
  #bytes = 0;
  #disarm: (() => void) | null = null;
  #numbers = 0;
  #isFull = false;
  #closed = false;

  constructor(file: string, clock: Clock) {
    this.#clock = clock;
    this.#file = createWriteStream(file);
    // A disk that is full must not end the run; the checkers will miss the lines.
    this.#file.on('error', () => {
      this.#isFull = true;
    });
  }

  nowNs(): number {
    return this.#clock.nowNs();
  }

  /** The number of the next request. */
  number(): number {
    return this.#numbers++;
  }

  write(entry: WireEntry): void {
    if (this.#isFull || this.#closed) return;
    const shortened = {
      ...entry,
      path: entry.path.slice(0, LONGEST_PATH),
      key: entry.key?.slice(0, LONGEST_KEY) ?? null,
    };
    this.#append(JSON.stringify(shortened));
    if (this.#bytes < MOST_BYTES) return;
    this.#append('{"full":true}');
    this.#isFull = true;
    this.#flush();
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#flush();
    this.#closed = true;
    await new Promise<void>((resolve) => {
      this.#file.once('close', resolve);
      this.#file.end();
      if (this.#file.destroyed) resolve();
    });
  }

  #append(line: string): void {
    this.#lines.push(line);
    this.#waitingBytes += line.length + 1;
    this.#bytes += line.length + 1;
    if (this.#waitingBytes >= FLUSH_BYTES) this.#flush();
    else this.#disarm ??= this.#clock.after(FLUSH_MS, () => this.#flush());
  }

  #flush(): void {
    this.#disarm?.();
    this.#disarm = null;
    if (this.#lines.length > 0) this.#file.write(`${this.#lines.join('\n')}\n`);
    this.#lines = [];
    this.#waitingBytes = 0;
  }
}

/** The digest of bytes that come piece by piece. */
export class Fingerprint {
  #hash: ReturnType<typeof createHash> | null = null;

  add(bytes: Buffer): void {
    this.#hash ??= createHash('sha256');
    this.#hash.update(bytes);
  }

  /** The first 64 bits in hexadecimal; `null` if nothing came. Asked once. */
  result(): string | null {
    return this.#hash?.digest('hex').slice(0, 16) ?? null;
  }
}
