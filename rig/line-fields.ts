/** The fields of a line of a history, of our journal and of Jepsen's events, by number. */

/** Positions of a bit in the scanner's `has`. */
export const FIELD = {
  index: 0,
  timeNs: 1,
  type: 2,
  process: 3,
  node: 4,
  input: 5,
  output: 6,
  dueNs: 7,
  error: 8,
  detail: 9,
  time: 10,
  f: 11,
  key: 12,
  value: 13,
} as const;

/** The bits of these fields in `has`. */
export const maskOf = (...fields: readonly (keyof typeof FIELD)[]): number =>
  fields.reduce((mask, field) => mask | (1 << FIELD[field]), 0);
