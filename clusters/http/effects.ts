/** Where the effects of requests are counted: a list that the service gives, rows of its database, or deliveries to a sink. */

import type { Pool } from 'undici';
import type { ServiceEffect, ServiceValues } from '../../rig/contract.ts';
import { RequestError } from '../../rig/define.ts';
import type { HttpServiceDefinition, ServiceEffects } from '../../rig/service-definition.ts';
import { ask } from './asking.ts';
import type { Sink } from './sink.ts';
import { rowsOf } from './sql.ts';
import { filledText, valueAt } from './template.ts';

const LARGEST_PAGE_BYTES = 32 * 1024 * 1024;
const MOST_PAGES = 10_000;
export const MOST_EFFECTS = 1_000_000;

/** As often as they are there; only such whose key is of this run. */
export async function readEffects(
  { effects }: HttpServiceDefinition,
  keyPrefix: string,
  pool: Pool,
  sink: Sink | null,
  signal: AbortSignal,
): Promise<readonly ServiceEffect[]> {
  const items = await itemsOf(effects, pool, sink, signal);
  const read: ServiceEffect[] = [];
  for (const item of items) {
    const key = valueAt(item, effects.key);
    if (typeof key !== 'string' && typeof key !== 'number') continue;
    if (!String(key).includes(keyPrefix)) continue;
    const id = effects.id === undefined ? undefined : valueAt(item, effects.id);
    read.push({ key: String(key), id: id == null ? null : textOf(id), values: valuesOf(effects, item) });
  }
  return read;
}

function itemsOf(
  { endpoint, sql }: ServiceEffects,
  pool: Pool,
  sink: Sink | null,
  signal: AbortSignal,
): Promise<readonly unknown[]> {
  if (sql) return rowsOf(sql, signal);
  if (endpoint) return listed(endpoint, pool, signal);
  if (!sink) throw new RequestError('no-sink', 'the sink of this service was not opened');
  return Promise.resolve(sink.deliveries());
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

const textOf = (value: unknown): string => (typeof value === 'string' ? value : (JSON.stringify(value) ?? ''));
