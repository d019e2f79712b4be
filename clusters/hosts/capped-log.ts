/** What a program prints, in two files that take turns, so that the newest part is kept and the disk is not filled. */

import { closeSync, mkdirSync, openSync, renameSync, statSync, writeSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import path from 'node:path';

/** Of the newest output, no more is kept; and at least half of it. */
export const LOG_BYTES = 8 * 1024 * 1024;

export class CappedLog {
  readonly #file: string;
  #descriptor: number;
  #bytes: number;

  /** Goes on where an earlier log of that name ended. */
  constructor(file: string) {
    this.#file = file;
    mkdirSync(path.dirname(file), { recursive: true });
    this.#descriptor = openSync(file, 'a');
    this.#bytes = statSync(file).size;
  }

  write(chunk: Buffer | string): void {
    if (this.#descriptor < 0) return;
    if (this.#bytes > LOG_BYTES / 2) this.#turn();
    this.#bytes += writeSync(this.#descriptor, chunk as string);
  }

  close(): void {
    if (this.#descriptor >= 0) closeSync(this.#descriptor);
    this.#descriptor = -1;
  }

  /** Everything that is kept, oldest first. */
  async read(): Promise<Buffer> {
    const parts = [`${this.#file}.1`, this.#file].map((file) => readFile(file).catch(() => Buffer.alloc(0)));
    return Buffer.concat(await Promise.all(parts)).subarray(-LOG_BYTES);
  }

  #turn(): void {
    closeSync(this.#descriptor);
    renameSync(this.#file, `${this.#file}.1`);
    this.#descriptor = openSync(this.#file, 'a');
    this.#bytes = 0;
  }
}
