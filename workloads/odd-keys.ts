/** Keys that services get wrong: long ones that are nearly equal, and what has a meaning elsewhere. */

/** Long keys differ after so many characters: where a column, a hash or an index might cut them. */
export const PREFIX_LENGTHS = [32, 36, 64, 100, 127];
/** Keys as people and broken programs make them, each of a name that is unique. */
export const ODD_KEYS: readonly ((name: string) => string)[] = [
  () => '',
  (name) => `"${name}"`,
  (name) => `${name}, ${name}`,
  (name) => `${name} with spaces`,
  (name) => `ключ-${name}`,
  (name) => `${name}-\u{1f4b8}`,
  (name) => `${name}'; --`,
  (name) => `../${name}?%00`,
  (name) => name.padEnd(255, 'k'),
  (name) => name.padEnd(256, 'k'),
  (name) => name.padEnd(20_000, 'k'),
];
