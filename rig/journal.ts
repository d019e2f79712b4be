/**
 * The one writer of `history.jsonl`. Stamps each event with its index and time as it is appended, and hands the
 * lines to the operating system at least every 100 ms, so that a killed rig loses no more than that; faults are
 * on disk (fdatasync) before anything is touched.
 */

import { closeSync, fdatasync, fdatasyncSync, openSync, writeSync } from 'node:fs';
import { type Clock, VirtualClock } from './clock.ts';
import type { FaultEvent, PhaseEvent, Unstamped } from './contract.ts';

/** A line longer than this is not written; its completion becomes an `info`, `output-too-large`. */
export const LONGEST_LINE_BYTES = 8 << 20;
const FLUSH_EVERY_MS = 100;
const FLUSH_AT_CHARACTERS = 1 << 16;

export class Journal {
  readonly #clock: Clock;
  readonly #watch: (event: Unstamped, timeNs: number) => void;
  readonly #file: number;
  readonly #timer: NodeJS.Timeout;
  #length = 0;
  #waiting = '';
  #closed = false;

  /** Creates the file; fails if there is one already. `watch` sees every event as it is appended. */
  constructor(path: string, clock: Clock, watch: (event: Unstamped, timeNs: number) => void = () => {}) {
    this.#clock = clock;
    this.#watch = watch;
    this.#file = openSync(path, 'wx');
    this.#timer = setInterval(() => this.flush(), FLUSH_EVERY_MS);
    this.#timer.unref();
  }

  /** How many events there are; the index of the next. */
  get length(): number {
    return this.#length;
  }

  append(event: Unstamped): void {
    if (this.#closed) return; // A request that was given up on may still answer after the end: nobody asks any more.
    const text = JSON.stringify(event);
    if (text.length > LONGEST_LINE_BYTES && event.type === 'ok') {
      const detail = `${text.length} characters`;
      return this.append({ process: event.process, node: event.node, type: 'info', error: 'output-too-large', detail });
    }
    const timeNs = this.#clock.nowNs();
    this.#waiting += `{"index":${this.#length++},"timeNs":${timeNs},${text.slice(1)}\n`;
    this.#watch(event, timeNs);
    if (this.#waiting.length > FLUSH_AT_CHARACTERS) this.flush();
  }

  /** Appends, and resolves once the event is on disk. */
  appendDurably(event: FaultEvent | PhaseEvent): Promise<void> {
    this.append(event);
    this.flush();
    if (this.#clock instanceof VirtualClock) {
      fdatasyncSync(this.#file); // Virtual time must not run on while the disk works.
      return Promise.resolve();
    }
    return new Promise((resolve, reject) => {
      fdatasync(this.#file, (error) => (error ? reject(error) : resolve()));
    });
  }

  flush(): void {
    if (this.#waiting === '' || this.#closed) return;
    const text = this.#waiting;
    this.#waiting = '';
    let bytes = Buffer.from(text);
    while (bytes.length > 0) bytes = bytes.subarray(writeSync(this.#file, bytes));
  }

  close(): void {
    if (this.#closed) return;
    this.flush();
    this.#closed = true;
    clearInterval(this.#timer);
    closeSync(this.#file);
  }
}
