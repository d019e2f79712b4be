/**
 * The one writer of `history.jsonl`. Stamps each event with its index and time as it is appended, and hands the
 * lines to the operating system at least every 100 ms, so that a killed rig loses no more than that; faults are
 * on disk (fdatasync) before anything is touched. Writing never blocks the load, until a slow disk has let more
 * than 256 MiB pile up.
 */

import { closeSync, fdatasyncSync, openSync, writeSync } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { type Clock, VirtualClock } from './clock.ts';
import type { FaultEvent, PhaseEvent, Unstamped } from './contract.ts';
import { LONGEST_LINE } from './lines.ts';

/** A longer event is not written; its completion becomes an `info`, `output-too-large`. Leaves room for index and time. */
export const LONGEST_EVENT_BYTES = LONGEST_LINE - 256;
/** One UTF-16 unit takes at most so many bytes in UTF-8. */
const MOST_BYTES_A_UNIT = 3;
const FLUSH_EVERY_MS = 100;
const FLUSH_AT_CHARACTERS = 1 << 16;
const LARGEST_PILE_CHARACTERS = 256 << 20;

const isTooLong = (text: string): boolean =>
  text.length * MOST_BYTES_A_UNIT > LONGEST_EVENT_BYTES && Buffer.byteLength(text) > LONGEST_EVENT_BYTES;

export class Journal {
  readonly #clock: Clock;
  readonly #watchers: ((event: Unstamped, timeNs: number) => void)[];
  readonly #file: JournalFile;
  readonly #timer: NodeJS.Timeout;
  #length = 0;
  #waiting = '';
  #closed = false;

  private constructor(file: JournalFile, clock: Clock, watch: (event: Unstamped, timeNs: number) => void) {
    this.#clock = clock;
    this.#watchers = [watch];
    this.#file = file;
    this.#timer = setInterval(() => this.#flush(), FLUSH_EVERY_MS);
    this.#timer.unref();
  }

  /** Creates the file; rejects if there is one already. `watch` sees every event as it is appended. */
  static async create(
    path: string,
    clock: Clock,
    watch: (event: Unstamped, timeNs: number) => void = () => {},
  ): Promise<Journal> {
    // Virtual time must not run on while the disk works, so there writing blocks.
    const file = clock instanceof VirtualClock ? new BlockingFile(path) : new BackgroundFile(await open(path, 'wx'));
    return new Journal(file, clock, watch);
  }

  /** How many events there are; the index of the next. */
  get length(): number {
    return this.#length;
  }

  /** `watcher` too sees every event as it is appended. */
  watch(watcher: (event: Unstamped, timeNs: number) => void): void {
    this.#watchers.push(watcher);
  }

  append(event: Unstamped): void {
    if (this.#closed) return; // A request that was given up on may still answer after the end: nobody asks any more.
    const text = JSON.stringify(event);
    if (isTooLong(text) && event.type === 'ok') {
      const detail = `${text.length} characters`;
      return this.append({ process: event.process, node: event.node, type: 'info', error: 'output-too-large', detail });
    }
    const timeNs = this.#clock.nowNs();
    this.#waiting += `{"index":${this.#length++},"timeNs":${timeNs},${text.slice(1)}\n`;
    for (const watch of this.#watchers) watch(event, timeNs);
    if (this.#waiting.length > FLUSH_AT_CHARACTERS) this.#flush();
  }

  /** Appends, and resolves once the event and everything before it is on disk. */
  async appendDurably(event: FaultEvent | PhaseEvent): Promise<void> {
    this.append(event);
    this.#flush();
    await this.#file.sync();
  }

  /** Resolves once everything is written. Later events are ignored. */
  async close(): Promise<void> {
    if (this.#closed) return;
    this.#flush();
    this.#closed = true;
    clearInterval(this.#timer);
    await this.#file.close();
  }

  #flush(): void {
    if (this.#waiting === '' || this.#closed) return;
    const text = this.#waiting;
    this.#waiting = '';
    this.#file.write(text);
  }
}

interface JournalFile {
  write(text: string): void;
  /** Resolves when everything written so far is on disk; rejects if any of it could not be written. */
  sync(): Promise<void>;
  close(): Promise<void>;
}

class BlockingFile implements JournalFile {
  readonly #file: number;

  constructor(path: string) {
    this.#file = openSync(path, 'wx');
  }

  write(text: string): void {
    let bytes = Buffer.from(text);
    while (bytes.length > 0) bytes = bytes.subarray(writeSync(this.#file, bytes));
  }

  async sync(): Promise<void> {
    fdatasyncSync(this.#file);
  }

  async close(): Promise<void> {
    closeSync(this.#file);
  }
}

/** One write at a time on another thread; what comes meanwhile is joined into the next. */
class BackgroundFile implements JournalFile {
  readonly #file: FileHandle;
  #pile: string[] = [];
  #piledCharacters = 0;
  #writing: Promise<void> | null = null;
  #problem: Error | null = null;

  constructor(file: FileHandle) {
    this.#file = file;
  }

  write(text: string): void {
    if (this.#problem) throw this.#problem;
    this.#pile.push(text);
    this.#piledCharacters += text.length;
    if (this.#piledCharacters > LARGEST_PILE_CHARACTERS)
      this.#problem = new Error('the disk is too slow for the history: 256 MiB wait to be written');
    this.#writing ??= this.#drain();
  }

  async sync(): Promise<void> {
    while (this.#writing) await this.#writing;
    if (this.#problem) throw this.#problem;
    await this.#file.datasync();
  }

  async close(): Promise<void> {
    while (this.#writing) await this.#writing;
    await this.#file.close();
    if (this.#problem) throw this.#problem;
  }

  async #drain(): Promise<void> {
    try {
      while (this.#pile.length > 0) {
        const text = this.#pile.join('');
        this.#pile = [];
        this.#piledCharacters = 0;
        await this.#file.appendFile(text);
      }
    } catch (error) {
      this.#problem = error as Error;
    }
    this.#writing = null;
  }
}
