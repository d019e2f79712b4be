/**
 * What each read of a row saw. A row is traced by its content; that there was none may be the initial state or what
 * any delete left, so it tells something only where nobody deleted, or where real time leaves no choice.
 */

import type { Json } from '../../rig/contract.ts';
import { NEVER, OK } from '../../rig/history.ts';
import type { Findings } from './findings.ts';
import { Frontier } from './frontier.ts';
import { type EdgeList, RW, RW_IN_TIME } from './graph.ts';
import { NO_CODE, PRESENT_CODE, TOMBSTONE_CODE } from './interner.ts';
import {
  AMBIGUOUS,
  CONDITIONAL,
  FAILED,
  INTERMEDIATE,
  type MicroOperations,
  READ,
  type ReadColumn,
} from './micro-operations.ts';
import { timesOf } from './real-time.ts';
import {
  ABSENT,
  type ExternalReads,
  happened,
  INITIAL,
  isInstalled,
  PRESENT,
  resolveRead,
  UNWRITTEN,
} from './register-reads.ts';
import { asMicros, RowCursor } from './row-cursor.ts';
import { transactionText, valueText } from './wording.ts';

/** Reads as codes of rows, until `resolveRows` makes writes of them. */
export const rowReads: ReadColumn = {
  form: '["select", key, row], ["insert", key, row], ["update", key, row, changed] and ["delete", key, null, changed], where changed is 0 or 1',
  readerOf: (codes) => new RowCursor(codes),
  ofList: () => UNWRITTEN,
  ofValue: (code) => code,
  expanded: asMicros,
};

/** Replaces, in the `value` column of reads, each row by the number of the write that it is from. */
export function resolveRows(micros: MicroOperations): void {
  const { key, value, write, writeState } = micros;
  const isDeleted = deletedKeys(micros);
  for (let micro = 0; micro < micros.count; micro++) {
    if (write[micro] !== READ) continue;
    const code = value[micro] as number;
    if (code === PRESENT_CODE) value[micro] = PRESENT;
    else if (code === NO_CODE) value[micro] = isDeleted[key[micro] as number] === 1 ? ABSENT : INITIAL;
    else {
      const seen = resolveRead(micros, micro);
      value[micro] = seen;
      // What was seen did not come to nothing.
      if (seen >= 0) writeState[seen] = (writeState[seen] as number) & ~CONDITIONAL;
    }
  }
}

const isTombstone = ({ value, writeMicro }: MicroOperations, write: number): boolean =>
  value[writeMicro[write] as number] === TOMBSTONE_CODE;

/** For each key whether somebody may have deleted its row. */
function deletedKeys(micros: MicroOperations): Uint8Array {
  const { key, writeMicro, writeState } = micros;
  const isDeleted = new Uint8Array(micros.keys.values.length);
  for (let write = 0; write < micros.writes; write++)
    if (isTombstone(micros, write) && ((writeState[write] as number) & FAILED) === 0)
      isDeleted[key[writeMicro[write] as number] as number] = 1;
  return isDeleted;
}

const SEVERAL = -2;

/** Where nobody deletes, all other rows of a key came after the one that was inserted: who read that comes before who made them. */
export function insertedFirst(micros: MicroOperations, external: ExternalReads, edges: EdgeList): void {
  const { start, key, write, value, writeTransaction, writeMicro, keys } = micros;
  /** By key, the write of the one transaction that found no row at first. */
  const inserted = new Int32Array(keys.values.length).fill(READ);
  const foundNone = new Int32Array(keys.values.length);
  for (let at = 0; at < micros.transactions; at++)
    for (let micro = start[at] as number; micro < (start[at + 1] as number); micro++) {
      const k = key[micro] as number;
      const made = write[micro] as number;
      if (made === READ) {
        if (external.is[micro] === 1 && value[micro] === INITIAL) foundNone[k] = at + 1;
      } else if (foundNone[k] === at + 1 && isInstalled(micros, made))
        inserted[k] = inserted[k] === READ ? made : SEVERAL;
    }
  const didHappen = happened(micros);
  const others: number[][] = keys.values.map(() => []);
  for (let made = 0; made < micros.writes; made++) {
    const k = key[writeMicro[made] as number] as number;
    const writer = writeTransaction[made] as number;
    if ((inserted[k] as number) >= 0 && inserted[k] !== made && didHappen[writer] === 1 && isInstalled(micros, made))
      (others[k] as number[]).push(writer);
  }
  others.forEach((writers, k) => {
    if (writers.length > 0) edges.addAll([...external.of(inserted[k] as number)], writers, RW, k);
  });
}

/** Who found no row, or (`write` ≥ 0) may have made or deleted one. */
interface Touch {
  readonly at: number;
  readonly write: number;
}

/** Where real time tells that no row can have been missing, or that there had not been one yet. */
export function absencesInTime(micros: MicroOperations, edges: EdgeList, findings: Findings): void {
  const { invoked, completed } = timesOf(micros.history);
  for (const [key, touches] of touchesByKey(micros).entries()) {
    const begun = Int32Array.from(touches, ({ at }) => invoked[at] as number);
    const isSure = ({ write }: Touch) => write >= 0 && isInstalled(micros, write);
    const done = Int32Array.from(touches, (one) => (isSure(one) ? (completed[one.at] as number) : NEVER));
    const frontier = new Frontier(begun, done);
    let openDeletes: number[] = [];
    for (const [place, { at, write }] of touches.entries()) {
      frontier.advance(begun[place] as number);
      openDeletes = openDeletes.filter((one) => (done[one] as number) >= (begun[place] as number));
      if (write >= 0) {
        frontier.add(place);
        if (isTombstone(micros, write)) openDeletes.push(place);
        continue;
      }
      const during: number[] = [];
      for (let next = place + 1; next < touches.length && (begun[next] as number) < (completed[at] as number); next++)
        during.push(next);
      const isOtherDelete = (one: number) =>
        (touches[one] as Touch).write >= 0 &&
        (touches[one] as Touch).at !== at &&
        isTombstone(micros, (touches[one] as Touch).write);
      const latest = [...frontier.latest.subarray(0, frontier.count)];
      if ([...openDeletes, ...latest, ...during].some(isOtherDelete)) continue;
      if (latest.length > 0) reportMissed(micros, findings, key, at, (touches[latest[0] as number] as Touch).at);
      else
        for (const [other, one] of touches.entries())
          if (isSure(one) && (done[other] as number) !== NEVER && (begun[other] as number) < (completed[at] as number))
            edges.add(at, one.at, RW_IN_TIME, key);
    }
  }
}

/** Of each key that somebody may have deleted; of all others none. */
function touchesByKey(micros: MicroOperations): Touch[][] {
  const { start, key, write, value, writeState, history } = micros;
  const isDeleted = deletedKeys(micros);
  const touched = new Int32Array(micros.keys.values.length);
  const touches: Touch[][] = micros.keys.values.map(() => []);
  for (let at = 0; at < micros.transactions; at++)
    for (let micro = start[at] as number; micro < (start[at + 1] as number); micro++) {
      const k = key[micro] as number;
      if (isDeleted[k] === 0) continue;
      const isFirst = touched[k] !== at + 1;
      touched[k] = at + 1;
      const made = write[micro] as number;
      if (made === READ) {
        if (isFirst && value[micro] === ABSENT && history.type[at] === OK) touches[k]?.push({ at, write: READ });
      } else if (((writeState[made] as number) & (FAILED | INTERMEDIATE | AMBIGUOUS)) === 0)
        touches[k]?.push({ at, write: made });
    }
  return touches;
}

function reportMissed(micros: MicroOperations, findings: Findings, key: number, at: number, writer: number): void {
  const { history, keys } = micros;
  findings.add('G-single-item-realtime', () => ({
    explanation: `T2 found no row of key ${valueText(keys.values[key] as Json)}, though T1, which left one there, had completed before T2 was invoked, and no delete can have come between them. T1 is ${transactionText(micros, writer)}. T2 is ${transactionText(micros, at)}.`,
    witnesses: [writer, at].map((one) => history.invokeIndex[one] as number),
  }));
}
