/** Writes a JSON payload in other forms, all of which mean the same: RFC 8259 leaves order, spaces, numbers and escapes open. */

import type { Json, PayloadForm } from '../../rig/contract.ts';

/** `defaults` is a matter of what is written, not of how. */
export function writtenAs(payload: Json, form: PayloadForm | undefined): string {
  if (form === 'spaced') return `\n${JSON.stringify(payload, null, 3)} \n`;
  if (typeof payload === 'string') return form === 'escaped' ? escaped(payload) : JSON.stringify(payload);
  if (typeof payload === 'number') return number(payload, form);
  if (Array.isArray(payload)) return `[${payload.map((item: Json) => writtenAs(item, form)).join()}]`;
  if (typeof payload !== 'object' || payload === null) return JSON.stringify(payload);
  const fields = Object.entries(payload).map(
    ([name, value]) => `${writtenAs(name, form)}:${writtenAs(value as Json, form)}`,
  );
  return `{${(form === 'reordered' ? fields.reverse() : fields).join()}}`;
}

function number(value: number, form: PayloadForm | undefined): string {
  if (!Number.isSafeInteger(value)) return JSON.stringify(value);
  return form === 'decimals' ? `${value}.0` : form === 'exponents' ? `${value}e0` : `${value}`;
}

const escaped = (text: string): string =>
  `"${Array.from({ length: text.length }, (_, at) => `\\u${text.charCodeAt(at).toString(16).padStart(4, '0')}`).join('')}"`;
