// What is shown: the stretch of time, the filters and the chosen operation, kept in the address after the #, so that a
// link restores it; and which operations pass the filters, in which row.

import { OUTCOMES } from './operations.js';

/** @import { Operations } from './operations.js' */

/**
 * @typedef {object} View
 * @property {number} from
 * @property {number} to
 * @property {Set<string> | null} f
 * @property {Set<string> | null} type
 * @property {string} key
 * @property {string} node
 * @property {string} process
 * @property {string} error
 * @property {string} q
 * @property {string} rows
 * @property {boolean} only
 * @property {number | null} op
 */

/**
 * @param {string} hash
 * @param {number} end
 * @param {string} rows
 * @returns {View}
 */
export function viewFromHash(hash, end, rows) {
  const given = new URLSearchParams(hash.replace(/^#/, ''));
  const [from, to] = (given.get('t') ?? '').split('-').map(Number);
  const set = (/** @type {string} */ name) => (given.has(name) ? new Set((given.get(name) ?? '').split(',')) : null);
  const inOrder = Number.isFinite(from) && Number.isFinite(to) && from < to && given.has('t');
  const op = given.has('op') ? Number(given.get('op')) : Number.NaN;
  const by = given.get('rows') ?? rows;
  return {
    from: inOrder ? Math.max(0, from) : 0,
    to: inOrder ? Math.min(end, to) : end,
    f: set('f'),
    type: set('type'),
    key: given.get('key') ?? '',
    node: given.get('node') ?? '',
    process: given.get('process') ?? '',
    error: given.get('error') ?? '',
    q: given.get('q') ?? '',
    rows: ['process', 'node', 'key'].includes(by) ? by : rows,
    only: given.get('only') === '1',
    op: Number.isInteger(op) ? op : null,
  };
}

/**
 * Only what differs from the view of a page just opened.
 *
 * @param {View} view
 * @param {number} end
 * @param {string} rows
 */
export function hashFromView(view, end, rows) {
  const said = new URLSearchParams();
  const digits = Math.min(6, Math.max(1, 2 - Math.floor(Math.log10(Math.max(1e-6, view.to - view.from)))));
  if (view.from > 0 || view.to < end) said.set('t', `${view.from.toFixed(digits)}-${view.to.toFixed(digits)}`);
  if (view.op !== null) said.set('op', String(view.op));
  if (view.f) said.set('f', [...view.f].join(','));
  if (view.type) said.set('type', [...view.type].join(','));
  for (const name of /** @type {const} */ (['key', 'node', 'process', 'error', 'q']))
    if (view[name] !== '') said.set(name, view[name]);
  if (view.rows !== rows) said.set('rows', view.rows);
  if (view.only) said.set('only', '1');
  return said.toString().replaceAll('%2C', ',');
}

/**
 * The operations that pass the filters, whenever they happened.
 *
 * @param {Operations} operations
 * @param {View} view
 * @param {Set<number>} witnesses
 * @returns {Int32Array}
 */
export function passing(operations, view, witnesses) {
  const f = operations.functions.map((name) => view.f === null || view.f.has(name));
  const type = OUTCOMES.map((name) => view.type === null || view.type.has(name));
  const node = view.node === '' ? -1 : operations.nodes.indexOf(view.node);
  const error = view.error === '' ? -1 : operations.errors.indexOf(view.error);
  const key = view.key === '' ? -1 : operations.keys.indexOf(view.key);
  const process = view.process === '' ? null : Number(view.process);
  const needle = view.q.toLowerCase();
  const holds = needle === '' ? null : operations.texts.map((text) => text.toLowerCase().includes(needle));
  const errorHolds = operations.errors.map((text) => needle !== '' && text.toLowerCase().includes(needle));
  const kept = [];
  for (let at = 0; at < operations.length; at++) {
    if (!f[operations.f[at]] || !type[operations.type[at]]) continue;
    if (view.node !== '' && operations.node[at] !== node) continue;
    if (view.error !== '' && (operations.type[at] === 0 || operations.error[at] !== error)) continue;
    if (view.key !== '' && (key < 0 || operations.key[at] !== key)) continue;
    if (process !== null && operations.process[at] !== process) continue;
    if (view.only && !witnesses.has(operations.index[at])) continue;
    if (holds && !holds[operations.ask[at]] && !holds[operations.answer[at]] && !errorHolds[operations.error[at]])
      continue;
    kept.push(at);
  }
  return Int32Array.from(kept);
}

/**
 * Rows from top to bottom, each of one or more lanes so that no two operations cover each other. `lane[i]` belongs to
 * `positions[i]`; −1 where its row did not fit.
 *
 * @typedef {object} Layout
 * @property {Int32Array} positions
 * @property {Int32Array} lane
 * @property {{ name: string, lane: number, lanes: number }[]} rows
 * @property {number} lanes
 * @property {number} rowsLeftOut
 */

const LANE_LIMIT = 400;

/**
 * @param {Operations} operations
 * @param {Int32Array} positions
 * @param {string} rowsBy
 * @returns {Layout}
 */
export function layOut(operations, positions, rowsBy) {
  const column = rowsBy === 'node' ? operations.node : rowsBy === 'key' ? operations.key : operations.process;
  const ends = /** @type {Map<number, number[]>} */ (new Map());
  const inner = new Int32Array(positions.length);
  for (let i = 0; i < positions.length; i++) {
    const at = positions[i];
    const row = column[at];
    const lanes = ends.get(row) ?? [];
    ends.set(row, lanes);
    let free = lanes.findIndex((end) => end <= operations.invoked[at]);
    if (free < 0) free = lanes.push(0) - 1;
    lanes[free] = Number.isNaN(operations.ended[at]) ? operations.invoked[at] : operations.ended[at];
    inner[i] = free;
  }
  const name = rowName(operations, rowsBy);
  const order = [...ends.keys()].sort((a, b) => (rowsBy === 'process' ? a - b : natural(name(a), name(b))));
  const first = /** @type {Map<number, number>} */ (new Map());
  const rows = [];
  let lanes = 0;
  for (const row of order) {
    const size = ends.get(row)?.length ?? 1;
    if (lanes + size > LANE_LIMIT && lanes > 0) break;
    first.set(row, lanes);
    rows.push({ name: name(row), lane: lanes, lanes: size });
    lanes += size;
  }
  const lane = inner.map((free, i) => {
    const top = first.get(column[positions[i]]);
    return top === undefined ? -1 : top + free;
  });
  return { positions, lane, rows, lanes, rowsLeftOut: order.length - rows.length };
}

/**
 * @param {Operations} operations
 * @param {string} rowsBy
 * @returns {(row: number) => string}
 */
function rowName(operations, rowsBy) {
  if (rowsBy === 'node') return (row) => operations.nodes[row];
  if (rowsBy === 'key') return (row) => (row < 0 ? 'no key' : operations.keys[row]);
  return (row) => `p${row}`;
}

/**
 * @param {string} a
 * @param {string} b
 */
function natural(a, b) {
  return a.localeCompare(b, 'en', { numeric: true });
}
