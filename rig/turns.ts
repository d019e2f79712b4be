/**
 * Who may strike now: faults take turns so that no more nodes are down at once than may be. First come, first
 * served; a fault whose nodes are down anyway, or that leaves enough of them, need not wait.
 */

import type { NodeId } from './contract.ts';

interface Waiting {
  readonly hold: string;
  readonly down: readonly NodeId[];
  proceed(): void;
}

export class Turns {
  readonly #most: number;
  readonly #inForce = new Map<string, readonly NodeId[]>();
  readonly #queue: Waiting[] = [];

  /** @param most how many nodes may be down at once. */
  constructor(most: number) {
    this.#most = most;
  }

  /**
   * Resolves when there is room, which is then taken until `end`; false if the signal aborted before. What the same
   * hold had taken before is given back first.
   */
  begin(hold: string, down: readonly NodeId[], signal: AbortSignal): Promise<boolean> {
    return new Promise((resolve) => {
      const giveUp = () => {
        this.#queue.splice(this.#queue.indexOf(waiting), 1);
        resolve(false);
        this.#admit();
      };
      const waiting: Waiting = {
        hold,
        down,
        proceed() {
          signal.removeEventListener('abort', giveUp);
          resolve(true);
        },
      };
      if (signal.aborted) return resolve(false);
      this.#inForce.delete(hold);
      signal.addEventListener('abort', giveUp, { once: true });
      this.#queue.push(waiting);
      this.#admit();
    });
  }

  end(hold: string): void {
    this.#inForce.delete(hold);
    this.#admit();
  }

  #admit(): void {
    for (let next = this.#queue[0]; next && this.#hasRoom(next.down); next = this.#queue[0]) {
      this.#queue.shift();
      this.#inForce.set(next.hold, next.down);
      next.proceed();
    }
  }

  /** Whoever is alone may always strike: what is beyond the limit by itself was not let through when it was drawn. */
  #hasRoom(down: readonly NodeId[]): boolean {
    const all = new Set([...this.#inForce.values(), down].flat());
    return all.size <= this.#most || this.#inForce.size === 0;
  }
}
