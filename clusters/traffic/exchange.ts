/** One request and its answer as they pass: what the wire log is told of them, and what a rule makes of them. */

import type { WireEntry } from '../../rig/contract.ts';
import type { SentRequest } from './copies.ts';
import type { Head } from './message-reader.ts';
import type { RequestTraits, RuleInForce } from './rules.ts';
import { Fingerprint, type WireLog } from './wire-log.ts';

/** A request or an answer that is larger passes, whatever a rule wants with it. */
export const LARGEST_TOUCHED_BYTES = 1024 * 1024;

/** What becomes of the answer: it passes as it comes, is lost, or is kept until it is complete. */
export type Fate = 'pass' | 'lose' | 'keep';

export class Exchange {
  readonly number: number;
  readonly traits: RequestTraits;
  rule: RuleInForce | null;
  fate: Fate = 'pass';
  /** The whole request has come from the client. */
  isAsked = false;
  /** What is to be done once the answer is complete, or will not come. */
  afterwards: (() => void) | null = null;
  readonly request = new Kept();
  readonly answer = new Kept();
  readonly #log: WireLog;
  readonly #sentNs: number;
  readonly #payload = new Fingerprint();
  readonly #answerPayload = new Fingerprint();
  #payloadResult: string | null | undefined;
  #status: number | null = null;
  /** Chunks may be cut differently each time. */
  #answerIsCounted = false;
  #isAnswered = false;
  #isLogged = false;

  constructor(traits: RequestTraits, rule: RuleInForce | null, log: WireLog) {
    this.number = log.number();
    this.#sentNs = log.nowNs();
    this.traits = traits;
    this.rule = rule;
    this.#log = log;
  }

  sawBody(bytes: Buffer): void {
    this.#payload.add(bytes);
  }

  sawAnswerHead({ start, fields }: Head): void {
    this.#status = Number(start[1]);
    this.#answerIsCounted = !fields.has('transfer-encoding');
  }

  /** The whole answer was heard. */
  sawAnswerEnd(): void {
    this.#isAnswered = true;
  }

  sawAnswerBody(bytes: Buffer): void {
    this.#answerPayload.add(bytes);
  }

  /** Only interim answers (RFC 9110, section 15.2) have come yet. */
  get isInterim(): boolean {
    return this.#status !== null && this.#status < 200;
  }

  sent(bytes: Buffer): SentRequest {
    return { ...this.traits, number: this.number, payload: this.#payloadHash(), bytes };
  }

  /** Writes the line of the wire log, once. */
  end(answered: boolean): void {
    if (this.#isLogged) return;
    this.#isLogged = true;
    const entry: WireEntry = {
      number: this.number,
      origin: 'client',
      ...this.traits,
      payload: this.#payloadHash(),
      sentNs: this.#sentNs,
      endedNs: this.#log.nowNs(),
      ...(this.rule ? { rule: this.rule.hold } : {}),
      status: this.#status,
      answer: this.#isAnswered && this.#answerIsCounted ? this.#answerPayload.result() : null,
      answered,
    };
    this.#log.write(entry);
    const { afterwards } = this;
    this.afterwards = null;
    afterwards?.();
  }

  #payloadHash(): string | null {
    return (this.#payloadResult ??= this.#payload.result());
  }
}

/** Bytes kept back for a rule. */
export class Kept {
  #parts: Buffer[] = [];
  #bytes = 0;

  add(bytes: Buffer): void {
    this.#parts.push(bytes);
    this.#bytes += bytes.length;
  }

  get isTooLarge(): boolean {
    return this.#bytes > LARGEST_TOUCHED_BYTES;
  }

  /** All of them; nothing is kept any more. */
  take(): Buffer {
    const all = this.#parts.length === 1 ? (this.#parts[0] as Buffer) : Buffer.concat(this.#parts);
    this.#parts = [];
    this.#bytes = 0;
    return all;
  }
}
