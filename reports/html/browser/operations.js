// What the page carries: the operations as columns, unpacked from compressed JSON. The form that is unpacked is
// described in timeline.ts (EmbeddedOperations).

export const OUTCOMES = ['ok', 'fail', 'info'];

/**
 * Times in seconds; columns have one entry for each operation. `late` is from due to sent, `ended` is NaN where no
 * answer ever came.
 *
 * @typedef {object} Operations
 * @property {number} length
 * @property {string[]} functions
 * @property {string[]} nodes
 * @property {string[]} errors
 * @property {string[]} keys
 * @property {string[]} texts
 * @property {Int32Array} index
 * @property {Float64Array} invoked
 * @property {Float64Array} ended
 * @property {Float64Array} late
 * @property {Int32Array} process
 * @property {Uint8Array} type
 * @property {Int32Array} f
 * @property {Int32Array} node
 * @property {Int32Array} error
 * @property {Int32Array} key
 * @property {Int32Array} ask
 * @property {Int32Array} answer
 */

/**
 * @typedef {object} Facts
 * @property {number} end
 * @property {number[]} witnesses
 * @property {[number, number][]} gaps
 * @property {{ from: number, to: number, nemesis: string, sentence: string }[]} faults
 */

/** @returns {Facts} */
export function readFacts() {
  return JSON.parse(textOf('facts'));
}

/** @param {string} id */
function textOf(id) {
  return document.getElementById(id)?.textContent ?? '';
}

/** @returns {Promise<Operations>} */
export async function readOperations() {
  const packed = Uint8Array.from(atob(textOf('operations').trim()), (character) => character.charCodeAt(0));
  const unpacked = new Blob([packed]).stream().pipeThrough(new DecompressionStream('gzip'));
  const columns = await new Response(unpacked).json();
  const length = columns.index.length;
  const invoked = new Float64Array(length);
  const ended = new Float64Array(length);
  const index = new Int32Array(length);
  let micros = 0;
  let number = 0;
  for (let at = 0; at < length; at++) {
    micros += columns.invoked[at];
    number += columns.index[at];
    index[at] = number;
    invoked[at] = micros / 1e6;
    ended[at] = columns.took[at] < 0 ? Number.NaN : (micros + columns.took[at]) / 1e6;
  }
  return {
    length,
    functions: columns.functions,
    nodes: columns.nodes,
    errors: columns.errors,
    keys: columns.keys,
    texts: columns.texts,
    index,
    invoked,
    ended,
    late: Float64Array.from(columns.late, (late) => late / 1e6),
    process: Int32Array.from(columns.process),
    type: Uint8Array.from(columns.type),
    f: Int32Array.from(columns.f),
    node: Int32Array.from(columns.node),
    error: Int32Array.from(columns.error),
    key: Int32Array.from(columns.key),
    ask: Int32Array.from(columns.ask),
    answer: Int32Array.from(columns.answer),
  };
}

/**
 * How operation `at` ended, in words.
 *
 * @param {Operations} operations
 * @param {number} at
 */
export function answerOf(operations, at) {
  const type = operations.type[at];
  if (type === 0) return operations.texts[operations.answer[at]];
  return `${type === 1 ? 'failed' : 'unknown'}: ${operations.errors[operations.error[at]]}`;
}

/**
 * @param {Operations} operations
 * @param {number} at
 */
export function labelOf(operations, at) {
  return `${operations.texts[operations.ask[at]]} → ${answerOf(operations, at)}`;
}

/**
 * The position of the operation whose name is `#index`; −1 when it is not in the page.
 *
 * @param {Operations} operations
 * @param {number} index
 */
export function positionOf(operations, index) {
  let low = 0;
  let high = operations.length - 1;
  while (low <= high) {
    const middle = (low + high) >> 1;
    if (operations.index[middle] === index) return middle;
    if (operations.index[middle] < index) low = middle + 1;
    else high = middle - 1;
  }
  return -1;
}

/** @param {number} seconds */
export function lengthOf(seconds) {
  if (seconds < 0.000995) return `${(seconds * 1e6).toFixed(0)} µs`;
  if (seconds < 0.00995) return `${(seconds * 1e3).toFixed(1)} ms`;
  if (seconds < 0.9995) return `${(seconds * 1e3).toFixed(0)} ms`;
  return `${seconds.toFixed(1)} s`;
}
