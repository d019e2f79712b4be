/**
 * `audit.jsonl` of a run: what was changed outside the rig, by which command, on which node, how it ended and how long it
 * took. Append-only; a line when a change begins and one when it ends, so that a death in between can be seen. Bounded,
 * and without secrets.
 */

import { closeSync, fstatSync, openSync, writeSync } from 'node:fs';
import path from 'node:path';

/** One change, or a remark. `id` joins the line of its beginning and the line of its end. */
export interface AuditLine {
  /** ISO 8601. */
  readonly time: string;
  readonly actor: 'rig' | 'guardian';
  readonly id: number;
  readonly node?: string | null;
  readonly argv?: readonly string[];
  /** 0 for a request to an engine that was granted; its HTTP status where it was not. */
  readonly exitCode?: number;
  readonly durationMs?: number;
  readonly error?: string;
  readonly note?: string;
}

const LARGEST_BYTES = 64 << 20;
const LONGEST_WORD = 2_000;

export class Audit {
  readonly #actor: AuditLine['actor'];
  #file: number;
  #bytes: number;
  #next = 0;
  /** Why something could not be written down, or `null`. */
  problem: string | null = null;

  constructor(directory: string, actor: AuditLine['actor']) {
    this.#actor = actor;
    this.#file = openSync(path.join(directory, 'audit.jsonl'), 'a');
    this.#bytes = fstatSync(this.#file).size;
  }

  /** Does it, between a line before and a line after. What cannot be written down does not keep it from being done. */
  async change<T>(node: string | null, argv: readonly string[], act: () => Promise<T>): Promise<T> {
    const id = this.#next++;
    this.#write({ id, node, argv: argv.map(withoutSecrets) });
    const beganMs = performance.now();
    const end = (outcome: Partial<AuditLine>) =>
      this.#write({ id, ...outcome, durationMs: Math.round((performance.now() - beganMs) * 10) / 10 });
    try {
      const result = await act();
      end({ exitCode: 0 });
      return result;
    } catch (error) {
      const { exitCode, statusCode, message } = error as { exitCode?: number; statusCode?: number; message?: string };
      end({ exitCode: exitCode ?? statusCode ?? 1, error: withoutSecrets(message ?? String(error)) });
      throw error;
    }
  }

  note(note: string): void {
    this.#write({ id: this.#next++, note });
  }

  close(): void {
    if (this.#file >= 0) closeSync(this.#file);
    this.#file = -1;
  }

  #write(line: Partial<AuditLine>): void {
    if (this.problem !== null || this.#file < 0) return;
    const full = this.#bytes > LARGEST_BYTES;
    if (full) this.problem = `the audit has ${this.#bytes} bytes, and no more is written to it`;
    const said = full ? { note: this.problem } : line;
    const text = `${JSON.stringify({ time: new Date(Date.now()).toISOString(), actor: this.#actor, ...said })}\n`;
    try {
      this.#bytes += writeSync(this.#file, text);
    } catch (error) {
      this.problem = `the audit could not be written: ${(error as Error).message}`;
    }
  }
}

/** Values after words such as `password`, and the user of a URL, are replaced; what is very long is cut. */
export function withoutSecrets(text: string): string {
  return text
    .slice(0, LONGEST_WORD)
    .replace(/((?:pass(?:word|wd)?|secret|token|api-?key|credentials?)["']?\s*[=: ]\s*["']?)[^\s'",;&]+/gi, '$1***')
    .replace(/(\w:\/\/)[^/\s@]+@/g, '$1***@');
}
