import { describe, expect, it } from 'vitest';
import { checkService } from './service-definition.ts';
import { serviceSchema } from './service-schema.ts';

const operation = {
  method: 'POST',
  path: '/payments',
  body: { customer: '{{customer}}', amount: '{{amount}}' },
  values: { customer: { oneOf: ['ann', 'bob'] }, amount: { integer: [1, 100] } },
  answer: { id: 'id' },
};
const start = { command: ['node', 'server.js', '{{port}}'], port: 8080 };
const good = {
  name: 'payments',
  start,
  idempotencyKey: { header: 'Idempotency-Key' },
  operations: { pay: operation },
  effects: { endpoint: { path: '/payments' }, key: 'key' },
};

const refusal = (value: unknown): string => {
  try {
    checkService(value, 'service.yaml');
  } catch (error) {
    return (error as Error).message;
  }
  return 'accepted';
};

const withOperation = (changes: object) => ({ ...good, operations: { pay: { ...operation, ...changes } } });

describe('the definition of a service', () => {
  it.each([
    good,
    { ...good, start: undefined, attach: { n1: 'http://127.0.0.1:8080', n2: 'http://localhost:8081/' } },
    { ...good, start: undefined, attach: { n1: 'http://10.0.0.7:8080' }, allowRemote: true },
    { ...good, idempotencyKey: { field: 'meta.reference', scope: ['customer'], retention: '24h' } },
    { ...good, effects: { sink: { kind: 'http' }, key: 'body.key' } },
    { ...good, effects: { sink: { kind: 'smtp' }, key: 'text', keyWithin: 'Receipt for {{key}}.\nThank you' } },
    { ...good, effects: { sql: { connection: 'postgres://x', query: 'SELECT 1' }, key: 'key' } },
    {
      ...good,
      idempotencyKey: { header: 'K', retention: '24h', expiry: { after: '25h', becomes: 'refused' } },
      outcomes: { expired: [409] },
    },
    { ...good, variants: { broken: { summary: 'It is broken.', env: { BUG: 'yes' } } } },
    { ...good, start: { ...start, upgraded: { env: { VERSION: '2' } } } },
    { ...good, start: { ...start, image: { name: 'a:1' }, upgraded: { image: { name: 'a:2' } } } },
    { ...good, outcomes: { ok: [200], fail: [400], inUse: [409], mismatch: [422], kept: [402] } },
  ])('is accepted when it says how to ask, and where to look', (value) => {
    expect(refusal(JSON.parse(JSON.stringify(value)))).toBe('accepted');
  });

  it.each<[unknown, string | RegExp]>([
    [null, /service\.yaml: the definition of a service is null; it must be object/],
    [{ ...good, name: 'My Service' }, /name is "My Service"; it must match/],
    [{ ...good, route: 1 }, /"route" is not a setting; there are name, summary, start, attach/],
    [{ ...good, effects: undefined }, /the definition of a service lacks "effects"/],
    [{ ...good, start: undefined }, /there is no start or attach; give one/],
    [{ ...good, attach: { n1: 'http://127.0.0.1:1' } }, /more than one of start or attach/],
    [{ ...good, start: undefined, attach: { n1: 'https://127.0.0.1:1' } }, /attach\.n1 is "https:/],
    [{ ...good, start: undefined, attach: { n1: 'http://example.com' } }, /another machine: say allowRemote: true/],
    [{ ...good, start: { ...start, hosts: ['docker'] } }, /there is no start\.image: give build/],
    [
      { ...good, start: { ...start, hosts: ['cloud'] } },
      /start\.hosts\.0 is "cloud"; it may be docker, netns, loopback/,
    ],
    [{ ...good, start: { ...start, env: { URL: '{{url}}' } } }, /names \{\{url\}\}; there are \{\{node\}\}/],
    [{ ...good, start: { ...start, upgraded: {} } }, /start\.upgraded is \{\}; it must NOT have fewer than 1/],
    [{ ...good, start: { ...start, upgraded: { command: ['{{new}}'] } } }, /names \{\{new\}\}; there are/],
    [
      { ...good, start: { ...start, upgraded: { image: { name: 'a:2' } } } },
      /start\.upgraded\.image is the image of another version, and there is no start\.image/,
    ],
    [{ ...good, idempotencyKey: {} }, /there is no idempotencyKey\.header or idempotencyKey\.field/],
    [
      { ...good, idempotencyKey: { header: 'K', scope: ['tenant'] } },
      /scope names tenant, and operations\.pay has no such value; it has customer, amount/,
    ],
    [
      { ...good, idempotencyKey: { header: 'K', expiry: { after: '2s', becomes: 'new' } } },
      /there is no idempotencyKey.retention/,
    ],
    [
      { ...good, idempotencyKey: { header: 'K', retention: '2s', expiry: { after: '2s', becomes: 'new' } } },
      /expiry.after is 2s, and keys are kept for 2s: it must be longer/,
    ],
    [
      { ...good, idempotencyKey: { header: 'K', retention: '1 day' } },
      /retention is "1 day"; a duration is a number with a unit/,
    ],
    [withOperation({ method: 'GET' }), /operations\.pay\.method is "GET"; it may be POST, PUT, PATCH, DELETE/],
    [
      withOperation({ path: '/x/{{id}}' }),
      /operations\.pay names \{\{id\}\}, which is not drawn; its values are customer, amount, key/,
    ],
    [withOperation({ values: { ...operation.values, amount: { integer: [9, 1] } } }), /runs from 9 to 1/],
    [
      withOperation({ values: { ...operation.values, amount: { integer: [1, 2], uuid: true } } }),
      /must say one of oneOf, integer, text and uuid/,
    ],
    [
      withOperation({ values: { ...operation.values, customer: { oneOf: ['a'], not: 'b' } } }),
      /customer\.not is b; its values are/,
    ],
    [{ ...good, operations: {} }, /operations is \{\}; it must NOT have fewer than 1 properties/],
    [{ ...good, effects: { key: 'key' } }, /there is no effects\.endpoint, effects\.sql or effects\.sink/],
    [
      { ...good, effects: { endpoint: { path: '/x?after={{after}}' }, key: 'key' } },
      /say with effects\.endpoint\.after which field/,
    ],
    [{ ...good, effects: { sink: { kind: 'fax' }, key: 'x' } }, /effects\.sink\.kind is "fax"; it may be http, smtp/],
    [{ ...good, effects: { sink: { kind: 'smtp', answer: {} }, key: 'x' } }, /mail is not answered/],
    [
      { ...good, effects: { sink: { kind: 'http' }, key: 'x', keyWithin: 'Receipt' } },
      /keyWithin is "Receipt"; it must/,
    ],
    [
      {
        ...good,
        start: undefined,
        attach: { n1: 'http://127.0.0.1:1' },
        effects: { sink: { kind: 'http' }, key: 'x' },
      },
      /effects\.sink has no port, and a service that runs already cannot be told of one/,
    ],
    [{ ...good, outcomes: { ok: [20] } }, /outcomes\.ok\.0 is 20; it must be >= 200/],
    [{ ...good, ['__proto__x']: 1 }, /is not a setting/],
  ])('%j is refused with the place, the value and the alternatives', (value, message) => {
    expect(refusal(JSON.parse(JSON.stringify(value)))).toMatch(message);
  });

  it('is published as a schema', () => {
    expect(JSON.parse(JSON.stringify(serviceSchema))).toMatchObject({ type: 'object', additionalProperties: false });
  });
});
