/**
 * What could not be undone or removed, and how a person does it. Errors, histories and verdicts carry it as one text, a
 * line for each thing; whoever has to act on it gets it back as commands to copy.
 */

import { sentenceOf } from './outcome.ts';

const BY_HAND = '; by hand: ';

/** Something that stays, in words; `byHand`: the command that removes it. */
export class LeftBehind extends Error {
  override readonly name = 'LeftBehind';

  constructor(what: string, byHand: string, options?: ErrorOptions) {
    super(`${what.replaceAll('\n', ' ')}${BY_HAND}${byHand}`, options);
  }
}

/** Takes every step, whatever becomes of the others, in turn; returns all their lines, or rejects with all that stays. */
export async function takeAllSteps(steps: readonly (() => Promise<readonly string[]>)[]): Promise<readonly string[]> {
  const [lines, problems]: [string[], string[]] = [[], []];
  for (const step of steps) {
    try {
      lines.push(...(await step()));
    } catch (error) {
      problems.push(sentenceOf(error));
    }
  }
  if (problems.length > 0) throw new Error([...new Set(problems)].join('\n'));
  return lines;
}

/** What it says of why something stays, without what to do about it. */
export const withoutOrders = (text: string): string =>
  text
    .split('\n')
    .map((line) => line.split(BY_HAND)[0])
    .join('; ');

export interface Orders {
  /** What may still be there, a sentence each. */
  readonly problems: readonly string[];
  /** To be copied to a shell as they are, in this order; what a line is for stands behind its `#`. */
  readonly commands: readonly string[];
}

export const COPY_THESE = 'Copy these lines to a shell on this machine, one after the other:';

/** @param left as `LeftBehind` says it, a line each. @param again whether all has just been tried, by `ordeal heal`. */
export function ordersFor(heal: string, left: string, again: boolean): Orders {
  const lines = left.split('\n').filter((line) => line.trim() !== '');
  const problems = lines.map((line) => line.split(BY_HAND)[0] as string);
  const byHand = [...new Set(lines.flatMap((line) => line.split(BY_HAND).slice(1)))];
  const commented = [
    ...(again ? [] : [[heal, 'tries everything again']]),
    ...byHand.map((command) => [command, again ? 'by hand' : 'by hand, if that says the same'] as const),
    [heal, 'until it no longer says "not healed"'],
  ] as readonly (readonly [string, string])[];
  const width = Math.min(60, Math.max(...commented.map(([command]) => command.length)));
  return {
    problems: [...new Set(problems)],
    commands: commented.map(([command, purpose]) => `${command.padEnd(width)}  # ${purpose}`),
  };
}
