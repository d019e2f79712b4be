/** A column with room for twice as many entries. */

/** `column` itself is left as it is. */
export function twice<Column extends Int32Array | Uint8Array>(column: Column): Column {
  const larger = new (column.constructor as new (length: number) => Column)(2 * column.length);
  larger.set(column);
  return larger;
}
