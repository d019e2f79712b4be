/** Steps on a host, none of which may take for ever: a host that hangs must not hang the rig. */

import type { Clock } from '../../rig/clock.ts';

/** No single step on a host takes longer, or it counts as failed. */
export const STEP_MS = 30_000;

export class Steps {
  readonly #clock: Clock;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** @param what in words that follow "could not". */
  step<T>(what: string, step: PromiseLike<T>): Promise<T> {
    return this.within(STEP_MS, what, step);
  }

  async within<T>(ms: number, what: string, step: PromiseLike<T>): Promise<T> {
    let disarm = () => {};
    const late = new Promise<never>((_, reject) => {
      disarm = this.#clock.after(ms, () => reject(new Error(`could not ${what} within ${ms / 1000} s`)));
    });
    try {
      return await Promise.race([step, late]);
    } finally {
      disarm();
    }
  }
}

/** Waits for all of them, so that none is still at work when it rejects with every reason. */
export async function allSettled(steps: readonly Promise<unknown>[]): Promise<void> {
  const results = await Promise.allSettled(steps);
  const reasons = results.flatMap((result) => (result.status === 'rejected' ? [messageOf(result.reason)] : []));
  if (reasons.length > 0) throw new Error(reasons.join('; '));
}

export const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));
