/** How transactions, keys and what was read are named in explanations. */

import type { Json } from '../../rig/contract.ts';
import { OK } from '../../rig/history.ts';
import { nameOf, outcomeOf } from '../wording.ts';
import type { MicroOperation, MicroOperations } from './micro-operations.ts';

const LONGEST_LIST = 24;
const MOST_MICROS = 12;

/** `operation 12, process 3 through n2, 1.200 s to 1.250 s: append 8 to 255, read 253 = [1 3 4]`. */
export function transactionText(micros: MicroOperations, at: number): string {
  const { history } = micros;
  const did = micros.microsOf(at);
  const shown = did.slice(0, MOST_MICROS).map((micro) => microText(micro, history.type[at] === OK));
  const more = did.length > MOST_MICROS ? `, and ${did.length - MOST_MICROS} more` : '';
  const end = history.type[at] === OK ? '' : `, ${outcomeOf(history, at)}`;
  return `${nameOf(history, at)}${end}: ${shown.join(', ') || 'nothing'}${more}`;
}

/** `read x = 5` */
export function microText([f, key, value, changed]: MicroOperation, isOk: boolean): string {
  if (f === 'insert') return `insert ${valueText(value)} at ${valueText(key)}`;
  const rows = isOk && changed !== undefined ? ` (${changed === 1 ? '1 row' : 'no row'})` : '';
  if (f === 'update') return `update ${valueText(key)} to ${valueText(value)}${rows}`;
  if (f === 'delete') return `delete ${valueText(key)}${rows}`;
  if (f === 'select') return isOk ? `select ${valueText(key)} = ${valueText(value)}` : `select ${valueText(key)}`;
  if (f === 'append') return `append ${valueText(value)} to ${valueText(key)}`;
  if (f === 'w') return `write ${valueText(value)} to ${valueText(key)}`;
  return isOk ? `read ${valueText(key)} = ${valueText(value)}` : `read ${valueText(key)}`;
}

/** Lists as `[1 2 3]`, the middle left out where they are long. */
export function valueText(value: Json): string {
  if (value === null) return 'nothing';
  if (typeof value === 'string') return value.length > 40 ? `${value.slice(0, 40)}…` : value;
  if (!Array.isArray(value)) return JSON.stringify(value).slice(0, 80);
  const list = value as readonly Json[];
  const half = LONGEST_LIST / 2;
  const shown = list.length <= LONGEST_LIST ? list : [...list.slice(0, half), '…', ...list.slice(-half)];
  return `[${shown.map(valueText).join(' ')}]`;
}
