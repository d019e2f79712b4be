/** Reads `wire.jsonl` back: what really went over the wire to the nodes, where a run recorded it. */

import { existsSync } from 'node:fs';
import type { WireEntry } from './contract.ts';
import { eachLine } from './lines.ts';

/** Beside `history.jsonl` in the run's directory. */
export const WIRE_FILE = 'wire.jsonl';

/** What a run's wire log holds. */
export interface Wire {
  readonly entries: readonly WireEntry[];
  /** Why it may lack requests, in words; `null`: it has all of them. */
  readonly incomplete: string | null;
}

/** `null` where there is no such file. A line that is no entry makes it incomplete; it is a witness, not the history. */
export async function readWire(file: string): Promise<Wire | null> {
  if (!existsSync(file)) return null;
  const entries: WireEntry[] = [];
  let incomplete: string | null = null;
  const trouble = await eachLine(file, (text, line) => {
    if (text === '') return;
    const entry = entryOf(text);
    if (entry) entries.push(entry);
    else
      incomplete ??= text.startsWith('{"full"') ? 'the wire log was full' : `line ${line} of the wire log is no entry`;
  });
  return { entries, incomplete: incomplete ?? trouble[0] ?? null };
}

function entryOf(text: string): WireEntry | null {
  try {
    const entry = JSON.parse(text) as Partial<WireEntry> | null;
    const isEntry =
      typeof entry?.number === 'number' && typeof entry.node === 'string' && typeof entry.sentNs === 'number';
    return isEntry ? (entry as WireEntry) : null;
  } catch {
    return null;
  }
}
