/**
 * What the errors of etcd and of the way to it mean. Definite is only what is certain by etcd's source: refused before
 * it was proposed to the others. `raft: stopped`, which Jepsen's etcd suite counts as definite, can follow a proposal.
 */

import { RequestError } from '../../rig/define.ts';

/** Classes of errors after which the request certainly had no effect. */
export const definite: ReadonlySet<string> = new Set([
  'connection-refused',
  'connect-timeout',
  'too-many-requests',
  'no-space',
  'invalid-argument',
  'not-found',
  'compacted',
]);

/** What went wrong with the connection. */
export function errorOf(error: unknown, signal: AbortSignal): RequestError {
  if (signal.aborted) return new RequestError('timeout', 'no answer in time');
  const { code, message } = error as { readonly code?: string; readonly message: string };
  return new RequestError(connectionClasses[code ?? ''] ?? 'connection-lost', `${code ?? 'error'}: ${message}`);
}

/** Codes of Node and undici. The first two come only before anything was sent. */
const connectionClasses: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'connection-refused',
  UND_ERR_CONNECT_TIMEOUT: 'connect-timeout',
  ECONNRESET: 'connection-reset',
  EPIPE: 'connection-reset',
  UND_ERR_SOCKET: 'connection-reset',
  EHOSTUNREACH: 'unreachable',
  ENETUNREACH: 'unreachable',
  UND_ERR_HEADERS_TIMEOUT: 'timeout',
  UND_ERR_BODY_TIMEOUT: 'timeout',
  UND_ERR_RES_EXCEEDED_MAX_SIZE: 'bad-answer',
};

/** What the gateway answered instead of a result: a gRPC status as JSON. */
export function httpErrorOf(status: number, text: string): RequestError {
  const { code, message } = statusIn(text);
  const known = messageClasses.find(([part]) => message.includes(part));
  const detail = `${status} ${message || text}`.slice(0, 200);
  return new RequestError(known?.[1] ?? statusClasses[code] ?? 'server-error', detail);
}

function statusIn(text: string): { readonly code: number; readonly message: string } {
  try {
    const { code, error } = JSON.parse(text) as { readonly code?: unknown; readonly error?: unknown };
    return { code: Number(code), message: String(error ?? '') };
  } catch {
    return { code: Number.NaN, message: '' };
  }
}

/** By what etcd says, where the code alone is too coarse. */
const messageClasses: readonly (readonly [part: string, errorClass: string])[] = [
  ['too many requests', 'too-many-requests'],
  ['database space exceeded', 'no-space'],
  ['leader changed', 'leader-changed'],
  ['no leader', 'no-leader'],
  ['request timed out', 'server-timeout'],
  ['raft: stopped', 'raft-stopped'],
  ['server stopped', 'server-stopped'],
];

/** By gRPC status code. */
const statusClasses: Readonly<Record<number, string>> = {
  1: 'cancelled',
  3: 'invalid-argument',
  4: 'server-timeout',
  5: 'not-found',
  8: 'resource-exhausted',
  11: 'compacted',
  14: 'unavailable',
};
