/** Fills in `{{name}}` in what a team wrote of its service, and finds values by paths such as `metadata.key`. */

import type { Json, ServiceValues } from '../../rig/contract.ts';

const WORD = /\{\{(\w+)\}\}/g;
const NEVER_FIELDS: ReadonlySet<string> = new Set(['__proto__', 'constructor', 'prototype']);

/** A name that has no value stays as it is. `as` changes each value before it goes in. */
export const filledText = (
  template: string,
  values: ServiceValues,
  as: (value: string) => string = (value) => value,
): string =>
  template.replace(WORD, (whole, name: string) => (Object.hasOwn(values, name) ? as(String(values[name])) : whole));

/** As `filledText` in every text; a text that is nothing but `{{name}}` becomes the value itself, a number too. */
export function filled(template: Json, values: ServiceValues): Json {
  if (typeof template === 'string') {
    const only = /^\{\{(\w+)\}\}$/.exec(template)?.[1];
    if (only !== undefined && Object.hasOwn(values, only)) return values[only] as string | number;
    return filledText(template, values);
  }
  if (Array.isArray(template)) return template.map((item: Json) => filled(item, values));
  if (typeof template !== 'object' || template === null) return template;
  return Object.fromEntries(Object.entries(template).map(([field, item]) => [field, filled(item as Json, values)]));
}

/** What is there; an empty path is the whole, `undefined` says that there is nothing. */
export function valueAt(whole: unknown, path: string): unknown {
  let at = whole;
  for (const field of path === '' ? [] : path.split('.')) {
    if (typeof at !== 'object' || at === null || !Object.hasOwn(at, field)) return undefined;
    at = (at as Record<string, unknown>)[field];
  }
  return at;
}

export const isFields = (value: Json): value is { readonly [name: string]: Json } =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** A copy in which that field has this value; what is missing on the way to it is made. */
export function withValueAt(whole: Json, path: string, value: Json): Json {
  const [field = '', ...rest] = path.split('.');
  if (NEVER_FIELDS.has(field)) return whole;
  const fields = isFields(whole) ? whole : {};
  const inner = fields[field];
  return { ...fields, [field]: rest.length === 0 ? value : withValueAt(inner ?? {}, rest.join('.'), value) };
}
