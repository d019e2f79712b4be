/** Where the effects of requests are counted: a list that the service gives, rows of its database, or deliveries to a sink. */

import type { Pool } from 'undici';
import type { ServiceEffect, ServiceValues } from '../../rig/contract.ts';
import { RequestError } from '../../rig/define.ts';
import type { HttpServiceDefinition, ServiceEffects } from '../../rig/service-definition.ts';
import { ask } from './asking.ts';
import type { Sink } from './sink.ts';
import { type Row, type Rows, rowsOf } from './sql.ts';
import { filledText, valueAt } from './template.ts';

const LARGEST_PAGE_BYTES = 32 * 1024 * 1024;
const MOST_PAGES = 10_000;
export const MOST_EFFECTS = 1_000_000;

/** As often as they are there; only such whose key is of this run. */
export async function readEffects(
  { effects, idempotencyKey }: HttpServiceDefinition,
  keyPrefix: string,
  pool: Pool,
  sink: Sink | null,
  signal: AbortSignal,
): Promise<readonly ServiceEffect[]> {
  const items = await itemsOf(effects, pool, sink, signal);
  const read: ServiceEffect[] = [];
  for (const item of items) {
    const value = valueAt(item, effects.key);
    if (typeof value !== 'string' && typeof value !== 'number' && !Buffer.isBuffer(value)) continue;
    const found = keyWithin(textOf(value), effects.keyWithin);
    const key = idempotencyKey.header === undefined ? found : sentAs(found);
    if (!key.includes(keyPrefix) || (key === '' && effects.keyWithin !== undefined)) continue;
    const id = effects.id === undefined ? undefined : valueAt(item, effects.id);
    read.push({ key, id: id == null ? null : textOf(id), values: valuesOf(effects, item) });
  }
  return read;
}

async function itemsOf(
  effects: ServiceEffects,
  pool: Pool,
  sink: Sink | null,
  signal: AbortSignal,
): Promise<readonly unknown[]> {
  const { endpoint, sql } = effects;
  if (sql) return checkedRows(effects, await rowsOf(sql, signal));
  if (endpoint) return listed(endpoint, pool, signal);
  if (!sink) throw new RequestError('no-sink', 'the sink of this service was not opened');
  return sink.deliveries();
}

/** A column that is not there would be an effect that nobody sees. */
function checkedRows({ key, id, values = {} }: ServiceEffects, { columns, rows }: Rows): readonly Row[] {
  const wanted = { key, ...(id === undefined ? {} : { id }), ...values };
  for (const [place, where] of Object.entries(wanted)) {
    const [column = ''] = where.split('.');
    if (!columns.includes(column))
      throw new RequestError(
        'bad-query',
        `effects.${place in values ? `values.${place}` : place} is "${where}", and effects.sql.query gives the columns ${columns.join(', ')}`,
      );
  }
  return rows;
}

/** Page by page, until one is empty; an endpoint without pages has one. */
async function listed(
  endpoint: NonNullable<ServiceEffects['endpoint']>,
  pool: Pool,
  signal: AbortSignal,
): Promise<readonly unknown[]> {
  const { path, items = '', after, headers = {} } = endpoint;
  const all: unknown[] = [];
  let from = after?.from ?? '';
  for (let page = 0; page < MOST_PAGES; page++) {
    const where = filledText(path, { after: from }, encodeURIComponent);
    const answer = await ask(pool, { method: 'GET', path: where, headers }, LARGEST_PAGE_BYTES, signal);
    if (answer.status !== 200)
      throw new RequestError(`http-${answer.status}`, `GET ${where}: ${answer.text.slice(0, 200)}`);
    const found = valueAt(answer.json, items);
    if (!Array.isArray(found))
      throw new RequestError('bad-answer', `GET ${where}: ${items === '' ? 'the answer' : `"${items}"`} is no list`);
    for (const item of found as unknown[]) all.push(item);
    if (!after || found.length === 0) return all;
    if (all.length > MOST_EFFECTS) break;
    const next = textOf(valueAt(found.at(-1), after.field));
    if (next === from)
      throw new RequestError('bad-answer', `GET ${where}: ${after.field} does not advance beyond ${from}`);
    from = next;
  }
  throw new RequestError('answer-too-large', `more than ${MOST_EFFECTS} effects, or ${MOST_PAGES} pages of them`);
}

function valuesOf({ values = {} }: ServiceEffects, item: unknown): ServiceValues {
  const seen: Record<string, string | number> = {};
  for (const [name, path] of Object.entries(values)) {
    const value = valueAt(item, path);
    if (value != null) seen[name] = typeof value === 'number' ? value : textOf(value);
  }
  return seen;
}

/** What stands where the template has the key; all of it where there is no template, nothing where it does not fit. */
function keyWithin(text: string, template = '{{key}}'): string {
  const [before = '', after = ''] = template.split('{{key}}');
  const at = text.indexOf(before);
  if (at < 0) return '';
  const rest = text.slice(at + before.length);
  if (after === '') return rest;
  const end = rest.indexOf(after);
  return end < 0 ? '' : rest.slice(0, end);
}

/** The key as it was sent: many servers read the bytes of a header as Latin-1, and store what they read. */
function sentAs(key: string): string {
  if (!/^[\0-\xff]*[\x80-\xff][\0-\xff]*$/.test(key)) return key;
  const sent = Buffer.from(key, 'latin1').toString();
  return sent.includes('\ufffd') ? key : sent;
}

/** Bytes are what a database gives of a binary column. */
const textOf = (value: unknown): string => {
  if (typeof value === 'string') return value;
  return Buffer.isBuffer(value) ? value.toString() : (JSON.stringify(value) ?? '');
};
