/** Delivers a request again, byte for byte, on a connection of its own; its answer is read, noted and thrown away. */

import { createConnection } from 'node:net';
import type { Clock } from '../../rig/clock.ts';
import type { NodeId } from '../../rig/contract.ts';
import type { Address } from '../hosts/host.ts';
import { MessageReader } from './message-reader.ts';
import type { RequestTraits, RuleInForce } from './rules.ts';
import { Fingerprint, type WireLog } from './wire-log.ts';

const PATIENCE_MS = 3_000;
const LARGEST_ANSWER_BYTES = 1024 * 1024;
/** Under way at one time; more are not delivered. */
const MOST_COPIES = 64;

/** A request as a client sent it. */
export interface SentRequest extends RequestTraits {
  readonly number: number;
  readonly payload: string | null;
  readonly bytes: Buffer;
}

export class Copies {
  readonly #targets: ReadonlyMap<NodeId, Address>;
  readonly #log: WireLog;
  readonly #clock: Clock;
  readonly #underWay = new Set<() => void>();

  constructor(targets: ReadonlyMap<NodeId, Address>, log: WireLog, clock: Clock) {
    this.#targets = targets;
    this.#log = log;
    this.#clock = clock;
  }

  /** The node of the `nth` copy. Where there is no other node, it is the same. */
  nodeFor(request: SentRequest, to: 'same' | 'others', nth: number): NodeId {
    const others = [...this.#targets.keys()].filter((node) => node !== request.node);
    return to === 'same' || others.length === 0 ? request.node : (others[nth % others.length] as NodeId);
  }

  /** Resolves when the node has answered, or could not be reached, or has had its time. Never rejects. */
  deliver(request: SentRequest, node: NodeId, rule: RuleInForce): Promise<void> {
    const target = this.#targets.get(node);
    if (!target || this.#underWay.size >= MOST_COPIES) return Promise.resolve();
    rule.copies++;
    const number = this.#log.number();
    const sentNs = this.#log.nowNs();
    return new Promise((resolve) => {
      const socket = createConnection({ ...target, noDelay: true });
      const answer = new AnswerHeard(request.method);
      const end = () => {
        if (!this.#underWay.delete(end)) return;
        disarm();
        socket.destroy();
        const { method, path, key, payload, number: of } = request;
        const heard = answer.result();
        const what = { number, origin: 'copy', of, node, method, path, key, payload, rule: rule.hold } as const;
        this.#log.write({ ...what, sentNs, endedNs: this.#log.nowNs(), ...heard });
        resolve();
      };
      const disarm = this.#clock.after(PATIENCE_MS, end);
      this.#underWay.add(end);
      socket.on('connect', () => socket.write(request.bytes));
      socket.on('data', (chunk: Buffer) => {
        if (answer.hear(chunk)) end();
      });
      socket.on('error', end);
      socket.on('close', end);
    });
  }

  close(): void {
    for (const end of this.#underWay) end();
  }
}

/** What is heard of an answer that nobody waits for. */
class AnswerHeard {
  readonly #reader = new MessageReader('answer');
  readonly #fingerprint = new Fingerprint();
  #status: number | null = null;
  #bytes = 0;
  #isCounted = false;
  #complete = false;

  constructor(method: string) {
    this.#reader.isBodiless = method === 'HEAD';
  }

  /** Whether no more needs to be heard. */
  hear(chunk: Buffer): boolean {
    this.#bytes += chunk.length;
    if (this.#bytes > LARGEST_ANSWER_BYTES) return true;
    this.#reader.push(chunk);
    try {
      for (let piece = this.#reader.next(); piece; piece = this.#reader.next()) {
        if (piece.is === 'head') {
          this.#status = Number(piece.head.start[1]);
          this.#isCounted = !piece.head.fields.has('transfer-encoding');
        } else if (piece.is === 'body') this.#fingerprint.add(piece.bytes);
        else if ((this.#status ?? 0) >= 200) return (this.#complete = true);
      }
    } catch {
      return true; // It is not HTTP: no more will be understood.
    }
    return false;
  }

  result(): { readonly status: number | null; readonly answer: string | null; readonly answered: boolean } {
    const answer = this.#complete && this.#isCounted ? this.#fingerprint.result() : null;
    return { status: this.#status, answer, answered: this.#complete };
  }
}
