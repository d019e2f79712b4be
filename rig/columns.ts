/**
 * The columns of a history in one piece of shared memory: where each lies, and how they grow. One allocation, so that
 * a history is handed to another thread as it is; memory that no row has touched costs nothing.
 */

/** One entry for each operation; what they mean is said at `History`. */
export interface Columns {
  readonly invokedNs: Float64Array;
  readonly completedNs: Float64Array;
  readonly lateNs: Float64Array;
  readonly gaveUpNs: Float64Array;
  readonly invokeIndex: Int32Array;
  readonly completeIndex: Int32Array;
  readonly process: Int32Array;
  readonly keyCode: Int32Array;
  readonly valueCode: Int32Array;
  readonly toCode: Int32Array;
  readonly outputCode: Int32Array;
  readonly f: Uint16Array;
  readonly node: Uint16Array;
  readonly error: Uint16Array;
  readonly type: Uint8Array;
}

/** Of one row, in all columns. */
const ROW_BYTES = 4 * 8 + 7 * 4 + 3 * 2 + 1;

/** Room for `capacity` rows, a multiple of 8. */
export const roomFor = (capacity: number): SharedArrayBuffer => new SharedArrayBuffer(ROW_BYTES * capacity);

/** The first `length` rows of columns that have room for `capacity`. Widest first, so that each is aligned. */
export function columnsOf(room: SharedArrayBuffer, capacity: number, length = capacity): Columns {
  const wide = (place: number) => new Float64Array(room, 8 * place * capacity, length);
  const middle = (place: number) => new Int32Array(room, (32 + 4 * place) * capacity, length);
  const narrow = (place: number) => new Uint16Array(room, (60 + 2 * place) * capacity, length);
  return {
    invokedNs: wide(0),
    completedNs: wide(1),
    lateNs: wide(2),
    gaveUpNs: wide(3),
    invokeIndex: middle(0),
    completeIndex: middle(1),
    process: middle(2),
    keyCode: middle(3),
    valueCode: middle(4),
    toCode: middle(5),
    outputCode: middle(6),
    f: narrow(0),
    node: narrow(1),
    error: narrow(2),
    type: new Uint8Array(room, 66 * capacity, length),
  };
}

/** Copies the rows of `from` to wider columns. */
export function copyColumns(from: Columns, to: Columns): void {
  for (const name of Object.keys(from) as (keyof Columns)[]) to[name].set(from[name]);
}
