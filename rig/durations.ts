/** Durations as people write them: a number with a unit, `500ms`, `60s`, `5m`, `1h`. */

import { UsageError } from './exit.ts';

const UNITS_MS: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000 };

/** `1.5s` in milliseconds; `what` names the setting if it is no duration. */
export function durationMs(text: string, what: string): number {
  const [, amount, unit] = /^(\d+(?:\.\d+)?)(ms|s|m|h)$/.exec(text) ?? [];
  const unitMs = UNITS_MS[unit ?? ''];
  if (unitMs === undefined)
    throw new UsageError(`${what} is "${text}"; a duration is a number with a unit: 500ms, 60s, 5m or 1h`);
  return Number(amount) * unitMs;
}

/** The shortest text that `durationMs` reads as this: `90s`, `1500ms`. */
export const durationText = (ms: number): string => (ms % 1_000 === 0 ? `${ms / 1_000}s` : `${ms}ms`);
