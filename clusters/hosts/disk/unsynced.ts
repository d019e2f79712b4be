/**
 * What a file was before the writes that nobody has asked to be made durable: kept so that a loss of power can take them
 * back. As on a disk with a journal, names and folders survive; contents and sizes survive only an `fsync`.
 */

import { ftruncateSync, fstatSync, readSync, writeSync } from 'node:fs';

/** Before a write or a truncation: the length of the file, and the bytes that were there. */
interface Before {
  readonly size: number;
  readonly offset: number;
  readonly bytes: Buffer;
  readonly changed: number;
}

/** How much a disk remembers; a machine writes back the oldest too, when its memory is full. */
const LARGEST_BYTES = 64 << 20;

export class Unsynced {
  /** By file, the oldest first. */
  readonly #files = new Map<number, Before[]>();
  #bytes = 0;

  /** Files with writes that a loss of power would take back. */
  get files(): readonly number[] {
    return [...this.#files.keys()];
  }

  /** To be told before it happens: `length` bytes from `offset` on change, or the file gets that size. */
  note(file: number, descriptor: number, offset: number, length: number, newSize: number | null): void {
    const { size } = fstatSync(descriptor);
    const end = newSize === null ? Math.min(size, offset + length) : size;
    const from = newSize === null ? offset : Math.min(newSize, size);
    const bytes = Buffer.alloc(Math.max(0, end - from));
    if (bytes.length > 0) readSync(descriptor, bytes, 0, bytes.length, from);
    const log = this.#files.get(file) ?? [];
    this.#files.set(file, log);
    log.push({ size, offset: from, bytes, changed: newSize === null ? length : Math.abs(newSize - size) });
    this.#bytes += bytes.length;
    for (const [oldest] of this.#files) {
      if (this.#bytes <= LARGEST_BYTES) break;
      this.synced(oldest);
    }
  }

  /** How many changes of that file there are now: what `synced` may be told later. */
  count(file: number): number {
    return this.#files.get(file)?.length ?? 0;
  }

  /** The first `count` changes of that file are durable. */
  synced(file: number, count = this.count(file)): void {
    const log = this.#files.get(file);
    if (!log) return;
    for (const { bytes } of log.splice(0, count)) this.#bytes -= bytes.length;
    if (log.length === 0) this.#files.delete(file);
  }

  /** Takes them back, the newest first; says how many bytes had been written in vain. */
  takeBack(file: number, descriptor: number): number {
    const log = this.#files.get(file) ?? [];
    let lost = 0;
    for (const { size, offset, bytes, changed } of log.toReversed()) {
      if (bytes.length > 0) writeSync(descriptor, bytes, 0, bytes.length, offset);
      ftruncateSync(descriptor, size);
      lost += changed;
    }
    this.synced(file);
    return lost;
  }
}
