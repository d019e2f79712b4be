/** HTML and SVG by tagged template: everything interpolated is escaped, except what is itself `Markup`. */

export class Markup {
  readonly text: string;

  /** `text` must be well-formed and harmless: made by `markup`, or by a renderer that escapes. */
  constructor(text: string) {
    this.text = text;
  }
}

export type Interpolated = Markup | string | number | null | undefined | false | readonly Interpolated[];

/** Values are escaped for both text and double-quoted attributes; `null`, `undefined` and `false` leave nothing. */
export function markup(strings: TemplateStringsArray, ...values: readonly Interpolated[]): Markup {
  return new Markup(
    strings.map((string, at) => (at < values.length ? string + rendered(values[at]) : string)).join(''),
  );
}

function rendered(value: Interpolated): string {
  if (value === null || value === undefined || value === false) return '';
  if (value instanceof Markup) return value.text;
  if (typeof value === 'object') return value.map(rendered).join('');
  return escapeHtml(String(value));
}

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

export const escapeHtml = (text: string): string =>
  text.replace(/[&<>"']/g, (character) => ENTITIES[character] as string);

/** JSON for a data block: valid JSON that can neither close its element nor open a comment. */
export const jsonBlock = (value: unknown): Markup =>
  new Markup(
    JSON.stringify(value).replace(/[<>&\u2028\u2029]/g, (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`),
  );
