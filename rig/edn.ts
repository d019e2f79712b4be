/**
 * Reads and writes EDN, the notation of Jepsen's histories, as JSON: keywords and symbols become texts, lists, vectors and
 * sets arrays, tagged elements (records, instants) what they hold. Format: github.com/edn-format/edn.
 */

import type { Json } from './contract.ts';
import { exactly } from './exact-numbers.ts';
import { UsageError } from './exit.ts';

/** Text that is not EDN; the message names the line. */
export class MalformedEdn extends UsageError {
  override readonly name = 'MalformedEdn';
}

/** Every top-level element of the text, in order. */
export function readEdn(text: string): Json[] {
  const reader = new Reader(text);
  const elements: Json[] = [];
  for (let element = reader.next(); element !== END; element = reader.next()) elements.push(element as Json);
  return elements;
}

const DEEPEST = 200;
const END = Symbol('end of text');
const CLOSE = Symbol('closing bracket');
type Token = Json | typeof END | typeof CLOSE;

const CLOSING: Readonly<Record<string, string>> = { '(': ')', '[': ']', '{': '}' };
const NAMED_CHARACTERS: Readonly<Record<string, string>> = {
  newline: '\n',
  return: '\r',
  space: ' ',
  tab: '\t',
  formfeed: '\f',
  backspace: '\b',
};
/** `null` is no constant of EDN, but it is what others write for `nil`. */
const CONSTANTS: Readonly<Record<string, Json>> = { nil: null, null: null, true: true, false: false };

/** What neither ends an atom nor belongs to another kind of token. */
const ATOM = /[^\s,()[\]{}";]+/y;
const BLANK = /(?:[\s,]+|;[^\n]*)*/y;
/** Runs of plain characters at once: one step for each would be too many for a long text. */
const TEXT = /"[^"\\]*(?:\\[^][^"\\]*)*"/y;
const NUMBER = /^[+-]?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?[NM]?$/;

class Reader {
  readonly #text: string;
  #at = 0;
  #depth = 0;
  #expected = '';

  constructor(text: string) {
    this.#text = text;
  }

  next(): Token {
    for (;;) {
      this.#match(BLANK);
      const character = this.#text[this.#at];
      if (character === undefined) return END;
      if (CLOSING[character] !== undefined) return this.#collection(character);
      if (')]}'.includes(character)) return this.#close(character);
      if (character === '"') return this.#string();
      if (character === '\\') return this.#character();
      if (character === '^') {
        this.#at++;
        this.#element();
      } else if (character === '#') {
        const dispatched = this.#dispatch();
        if (dispatched !== undefined) return dispatched;
      } else return atom(this.#match(ATOM) ?? this.#wrong(`cannot read ${character}`));
    }
  }

  /**
   * After `#`: a set, a discarded element (`undefined`), a map whose keys share a namespace, a number that is none
   * (`##NaN`), or a tagged element.
   */
  #dispatch(): Json | undefined {
    this.#at++;
    const character = this.#text[this.#at];
    if (character === '{') {
      this.#at++;
      return this.#until('}');
    }
    if (character === '_') {
      this.#at++;
      this.#element();
      return undefined;
    }
    if (character === '"') return this.#element();
    if (character === '#') {
      this.#at++;
      return `##${this.#match(ATOM) ?? this.#wrong('a name is missing after ##')}`;
    }
    if (this.#match(ATOM) === undefined) this.#wrong('a tag is missing after #');
    return this.#element();
  }

  #collection(opening: string): Json {
    this.#at++;
    const elements = this.#until(CLOSING[opening] as string);
    if (opening !== '{') return elements;
    if (elements.length % 2 === 1) this.#wrong('a map has a key without a value');
    const map: Record<string, Json> = Object.create(null) as Record<string, Json>;
    for (let at = 0; at < elements.length; at += 2) {
      const key = elements[at] as Json;
      map[typeof key === 'string' ? key : JSON.stringify(key)] = elements[at + 1] as Json;
    }
    return map;
  }

  #until(closing: string): Json[] {
    if (++this.#depth > DEEPEST) this.#wrong(`nested deeper than ${DEEPEST}`);
    const outer = this.#expected;
    this.#expected = closing;
    const elements: Json[] = [];
    for (;;) {
      const token = this.next();
      if (token === CLOSE) break;
      if (token === END) this.#wrong(`the text ends before ${closing}`);
      elements.push(token as Json);
    }
    this.#expected = outer;
    this.#depth--;
    return elements;
  }

  #close(character: string): typeof CLOSE {
    if (character !== this.#expected)
      this.#wrong(`found ${character} where ${this.#expected || 'nothing'} was to close`);
    this.#at++;
    return CLOSE;
  }

  #element(): Json {
    const token = this.next();
    if (token === END || token === CLOSE) this.#wrong('an element is missing');
    return token as Json;
  }

  #string(): string {
    const quoted = this.#match(TEXT) ?? this.#wrong('a text has no end');
    return quoted.slice(1, -1).replaceAll(/\\(u[0-9a-fA-F]{4}|[^])/g, (_, escaped: string) => {
      if (escaped.length === 5) return String.fromCharCode(Number.parseInt(escaped.slice(1), 16));
      return { n: '\n', t: '\t', r: '\r', b: '\b', f: '\f' }[escaped] ?? escaped;
    });
  }

  #character(): string {
    this.#at++;
    const first = this.#text[this.#at] ?? this.#wrong('a character is missing after \\');
    const name = this.#match(ATOM);
    if (name === undefined) {
      this.#at++;
      return first;
    }
    return NAMED_CHARACTERS[name] ?? name;
  }

  #match(pattern: RegExp): string | undefined {
    pattern.lastIndex = this.#at;
    const found = pattern.exec(this.#text)?.[0];
    if (found !== undefined) this.#at += found.length;
    return found;
  }

  #wrong(what: string): never {
    const line = this.#text.slice(0, this.#at).split('\n').length;
    throw new MalformedEdn(`line ${line}: ${what}`);
  }
}

/** A number, a constant, or a keyword or symbol as text: `:ok` becomes `ok`. */
function atom(text: string): Json {
  if (NUMBER.test(text)) return exactly(text.replace(/[NM]$/, ''));
  if (Object.hasOwn(CONSTANTS, text)) return CONSTANTS[text] as Json;
  return text.startsWith(':') ? text.replace(/^::?/, '') : text;
}

/** A JSON value as EDN, on one line. */
export function writeEdn(value: Json): string {
  if (value === null) return 'nil';
  if (typeof value === 'string') return writeText(value);
  if (typeof value !== 'object') return String(value);
  if (Array.isArray(value)) return `[${(value as readonly Json[]).map(writeEdn).join(' ')}]`;
  return `{${Object.entries(value)
    .map(([key, own]) => `${writeKeyword(key)} ${writeEdn(own as Json)}`)
    .join(', ')}}`;
}

/** A name as a keyword, or as a text where no keyword can be. */
export const writeKeyword = (name: string): string => (/^[A-Za-z][\w-]*$/.test(name) ? `:${name}` : writeText(name));

const writeText = (text: string): string => JSON.stringify(text);
