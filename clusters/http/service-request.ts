/** A request as a service wants it: its templates filled in, and the key in its place. */

import type { Json, ServiceRequest } from '../../rig/contract.ts';
import { Refused } from '../../rig/define.ts';
import type { HttpServiceDefinition, ServiceOperation } from '../../rig/service-definition.ts';
import { writtenAs } from './payload-form.ts';
import { filled, filledText, isFields, withValueAt } from './template.ts';

/** Beside a key that goes into the body, so that the traffic control can tell requests apart. */
const MARK = 'ordeal-key';

export interface BuiltRequest {
  readonly method: ServiceOperation['method'];
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | null;
}

/** In which field of the head the key can be seen, in lower case. */
export const keyFieldOf = ({ idempotencyKey }: HttpServiceDefinition): string =>
  idempotencyKey.header?.toLowerCase() ?? MARK;

/** Throws `Refused` for a key that no header can carry, and for an operation that there is not. */
export function buildRequest(
  definition: HttpServiceDefinition,
  { operation, key, values, form, ifMatch }: ServiceRequest,
): BuiltRequest {
  const template = definition.operations[operation];
  if (!template) throw new Refused('no-such-operation', `${definition.name} has no operation ${operation}`);
  const { field } = definition.idempotencyKey;
  const all = { ...values, key };
  const defaults = form === 'defaults' ? template.defaults : undefined;
  const given = withDefaults(filled(template.body ?? null, all), defaults);
  const body = field === undefined ? given : withValueAt(given, field, key);
  const headers: Record<string, string> = {};
  for (const [name, text] of Object.entries(template.headers ?? {}))
    headers[name.toLowerCase()] = headerText(filledText(text, all));
  headers[keyFieldOf(definition)] = headerText(key);
  if (ifMatch !== undefined) headers['if-match'] = headerText(ifMatch);
  if (template.body !== undefined) headers['content-type'] ??= 'application/json';
  return {
    method: template.method,
    path: filledText(template.path, all, encodeURIComponent),
    headers,
    body: template.body === undefined ? null : writtenAs(body, form),
  };
}

const withDefaults = (body: Json, defaults: ServiceOperation['defaults']): Json =>
  defaults && isFields(body) ? { ...defaults, ...body } : body;

/** A text as the bytes of a header field: UTF-8. One that no header can carry is not sent. */
export function headerText(text: string): string {
  const field = Buffer.from(text, 'utf8').toString('latin1');
  if (/[\r\n\0]/.test(field)) throw new Refused('bad-key', 'no header can carry a line break');
  return field;
}
