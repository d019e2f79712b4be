/** What a service's answers mean, where the definition says nothing else: RFC 9110, and the draft on Idempotency-Key. */

import { durationMs } from '../../rig/durations.ts';
import type { ServiceTerms } from '../../rig/contract.ts';
import type { HttpServiceDefinition } from '../../rig/service-definition.ts';

const OK = [200, 201, 204];
/** Refused before anything was done. A 503 is not among them: only the service knows whether it sheds before or after. */
const FAIL = [400, 401, 403, 404, 405, 406, 410, 411, 412, 413, 414, 415, 417, 428, 429, 431, 501, 505];
const IN_USE = [409];
const MISMATCH = [422];
const EXPIRED = [410];
const LONGEST_KEY = 128;

const classesOf = (statuses: readonly number[]): readonly string[] => statuses.map((status) => `http-${status}`);

export function termsOf(definition: HttpServiceDefinition, keyPrefix: string): ServiceTerms {
  const { outcomes = {}, idempotencyKey, operations } = definition;
  const { ok = OK, fail = FAIL, inUse = IN_USE, mismatch = MISMATCH, kept = [], expired = EXPIRED } = outcomes;
  const { retention, expiry } = idempotencyKey;
  const all = Object.entries(operations);
  return {
    name: definition.name,
    operations: Object.fromEntries(
      all.map(([name, { values = {}, method, state }]) => [
        name,
        { values, method, ...(state ? { state: { path: state.path, conditional: state.conditional ?? false } } : {}) },
      ]),
    ),
    keyPrefix,
    longestKey: idempotencyKey.longest ?? LONGEST_KEY,
    scope: idempotencyKey.scope ?? [],
    inUse: classesOf(inUse),
    mismatch: classesOf(mismatch),
    kept: classesOf(kept),
    ok,
    fail: [...new Set([...fail, ...inUse, ...mismatch, ...kept, ...expired])],
    methods: [...new Set(all.map(([, { method }]) => method))],
    comparesMeaning: idempotencyKey.compares === 'meaning',
    repeatsBody: all.some(([, { answer }]) => answer?.repeated === 'body'),
    retentionMs: retention === undefined ? null : durationMs(retention, 'retention'),
    expiry: expiry ? { afterMs: durationMs(expiry.after, 'expiry'), becomes: expiry.becomes } : null,
    expired: expiry?.becomes === 'refused' ? classesOf(expired) : [],
  };
}
