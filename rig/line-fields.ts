/** The fields of a line of a history, of our journal and of Jepsen's events, by number. */

/** Positions of a bit in the scanner's `has`. Numbers come first, then texts. */
export const FIELD = {
  index: 0,
  timeNs: 1,
  dueNs: 2,
  time: 3,
  process: 4,
  type: 5,
  node: 6,
  error: 7,
  f: 8,
  detail: 9,
  key: 10,
  value: 11,
  output: 12,
  input: 13,
} as const;
export const LAST_NUMBER = FIELD.process;

/** The bits of these fields in `has`. */
export const maskOf = (...fields: readonly (keyof typeof FIELD)[]): number =>
  fields.reduce((mask, field) => mask | (1 << FIELD[field]), 0);
