/**
 * How the cluster under load is doing, from the events of the history as they are written: whether it answers at
 * all, and what share of the requests went wrong lately. Health gates and abort conditions ask it.
 */

import type { Unstamped } from './contract.ts';
import { UsageError } from './exit.ts';

/** Ends load and faults when it holds: `errors>50%` or `errors>50%/30s`, `silence>5s`. */
export type AbortCondition =
  | { readonly kind: 'errors'; readonly share: number; readonly windowMs: number }
  | { readonly kind: 'silence'; readonly ms: number };

/** Over how long errors are counted unless a condition says otherwise. */
const WINDOW_MS = 10_000;
/** A share of fewer answers than this says nothing. */
const FEWEST_ANSWERS = 20;

export function abortConditionOf(text: string): AbortCondition {
  const errors = /^errors>(\d+(?:\.\d+)?)%(?:\/(\d+)s)?$/.exec(text);
  if (errors && Number(errors[1]) < 100)
    return {
      kind: 'errors',
      share: Number(errors[1]) / 100,
      windowMs: errors[2] === undefined ? WINDOW_MS : Number(errors[2]) * 1000,
    };
  const silence = /^silence>(\d+(?:\.\d+)?)s$/.exec(text);
  if (silence) return { kind: 'silence', ms: Number(silence[1]) * 1000 };
  throw new UsageError(
    `"${text}" is no condition to abort when; there are errors>50%, errors>50%/30s (of all answers in the last 30 s) and silence>5s (asked, and no answer)`,
  );
}

export class Pulse {
  /** When it was first asked after its last answer; `null`: it has answered everything since. */
  #askedNs: number | null = null;
  /** The latest answers, the oldest first. */
  readonly #answers: { readonly timeNs: number; readonly isError: boolean }[] = [];
  readonly #keepNs: number;

  constructor(conditions: readonly AbortCondition[]) {
    const windows = conditions.map((condition) => (condition.kind === 'errors' ? condition.windowMs : 0));
    this.#keepNs = Math.max(0, ...windows) * 1e6;
  }

  see(event: Unstamped, timeNs: number): void {
    if (event.type === 'invoke') this.#askedNs ??= timeNs;
    if (event.type !== 'ok' && event.type !== 'fail' && event.type !== 'info') return;
    if (event.type === 'ok') this.#askedNs = null;
    if (this.#keepNs === 0) return;
    this.#answers.push({ timeNs, isError: event.type !== 'ok' });
    const since = this.#answers.findIndex((answer) => answer.timeNs >= timeNs - this.#keepNs);
    // Dropping many at once keeps this cheap under heavy load.
    if (since > 1000) this.#answers.splice(0, since);
  }

  /** For how long it has been asked without any success, in milliseconds. */
  silentMs(nowNs: number): number {
    return this.#askedNs === null ? 0 : (nowNs - this.#askedNs) / 1e6;
  }

  /** Why this condition holds, or `null`. */
  exceeds(condition: AbortCondition, nowNs: number): string | null {
    if (condition.kind === 'silence') {
      const silentMs = this.silentMs(nowNs);
      return silentMs > condition.ms ? `no success for ${seconds(silentMs)}, more than ${seconds(condition.ms)}` : null;
    }
    const recent = this.#answers.filter(({ timeNs }) => timeNs >= nowNs - condition.windowMs * 1e6);
    const share = recent.filter(({ isError }) => isError).length / recent.length;
    if (recent.length < FEWEST_ANSWERS || share <= condition.share) return null;
    return `${percent(share)} of ${recent.length} answers in ${seconds(condition.windowMs)} were errors, more than ${percent(condition.share)}`;
  }
}

const seconds = (ms: number): string => `${Math.round(ms / 100) / 10} s`;
const percent = (share: number): string => `${Math.round(share * 100)} %`;
