/** `docs/testing-your-http-service.md`, done from the top to the bottom in an empty folder, with real processes. */

import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { packageRoot } from './package-root.ts';
import { checkService } from './service-definition.ts';
import { fragmentsOf, stepsOf } from './walkthrough.ts';

const PAGE = readFileSync(join(packageRoot, 'docs', 'testing-your-http-service.md'), 'utf8');
const steps = stepsOf(PAGE);

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'ordeal-docs-http-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

const ordeal = (...words: readonly string[]) =>
  execa(process.execPath, [join(packageRoot, 'rig', 'ordeal.mjs'), ...words], {
    cwd: folder,
    reject: false,
    all: true,
    env: { NO_COLOR: '1', FORCE_COLOR: undefined, ORDEAL_STORE: undefined },
    timeout: 180_000,
  });

describe('docs/testing-your-http-service.md', () => {
  it('can be followed from the top to the bottom, and shows the file that is written', {
    timeout: 600_000,
  }, async () => {
    const commands = steps.filter((step) => 'command' in step);
    expect(commands.length).toBeGreaterThan(4);
    for (const { command, exitCode } of commands) {
      const ended = await ordeal(...command.replace(/^npx ordeal /, '').split(' '));
      expect(ended.exitCode, `${command}\n${ended.all}`).toBe(exitCode);
      if (command.includes('forgets-keys')) expect(ended.all).toContain('duplicate-application');
    }
    const [shown] = steps.filter((step) => 'file' in step);
    expect(readFileSync(join(folder, 'service.yaml'), 'utf8')).toBe(shown?.text);
  });

  it('changes in its last part only what can be changed', () => {
    const [shown] = steps.filter((step) => 'file' in step);
    const fragments = fragmentsOf(PAGE);
    expect(fragments.length).toBe(8);
    for (const fragment of fragments) {
      const changes = parse(fragment) as Record<string, unknown>;
      const whole = { ...(parse(shown?.text ?? '') as object), ...changes } as Record<string, unknown>;
      if ('attach' in changes) for (const other of ['start', 'variants']) delete whole[other];
      expect(checkService(whole, fragment)).toMatchObject(changes);
    }
  });
});

describe('ordeal init', () => {
  const openapi = {
    openapi: '3.1.0',
    paths: {
      '/customers/{customer}/payments': {
        parameters: [{ in: 'path', name: 'customer', schema: { enum: ['ann', 'bob'] } }],
        post: {
          operationId: 'createPayment',
          parameters: [{ $ref: '#/components/parameters/Key' }],
          requestBody: { content: { 'application/json': { schema: { $ref: '#/components/schemas/Payment' } } } },
        },
        get: {},
      },
    },
    components: {
      parameters: { Key: { in: 'header', name: 'X-Idempotency-Key', schema: { type: 'string' } } },
      schemas: {
        Payment: {
          type: 'object',
          required: ['amount', 'card', 'lines'],
          properties: {
            amount: { type: 'integer', minimum: 5, maximum: 50 },
            note: { type: 'string' },
            card: { allOf: [{ type: 'object', properties: { id: { type: 'string', format: 'uuid' } } }] },
            lines: { type: 'array', items: { $ref: '#/components/schemas/Payment' } },
          },
        },
      },
    },
  };

  it('takes operations and the header of the key from an OpenAPI document', async () => {
    writeFileSync(join(folder, 'openapi.json'), JSON.stringify(openapi));
    expect((await ordeal('init', 'mine.yaml', '--http', '--openapi', 'openapi.json')).exitCode).toBe(0);
    const { idempotencyKey, operations } = checkService(
      parse(readFileSync(join(folder, 'mine.yaml'), 'utf8')),
      'mine.yaml',
    );
    expect(idempotencyKey).toEqual({ header: 'X-Idempotency-Key' });
    expect(operations).toMatchObject({
      createPayment: {
        method: 'POST',
        path: '/customers/{{customer}}/payments',
        body: { amount: '{{amount}}', card: { id: '{{id}}' } },
        values: { customer: { oneOf: ['ann', 'bob'] }, amount: { integer: [5, 50] }, id: { uuid: true } },
      },
    });
  });

  it.each([
    [['init'], /say what to begin: --http/],
    [['init', 'openapi.json', '--http'], /openapi\.json is there already; it is left as it is/],
    [['init', 'x.yaml', '--http', '--openapi', 'nothing.json'], /nothing\.json cannot be read/],
    [
      ['init', 'x.yaml', '--http', '--openapi', 'old.json'],
      /is no OpenAPI document of version 3: its field "openapi" is "2\.0"/,
    ],
  ])('%j is bad usage, and nothing is written', async (words, message) => {
    writeFileSync(join(folder, 'old.json'), JSON.stringify({ openapi: '2.0' }));
    const { exitCode, all } = await ordeal(...words);
    expect(all).toMatch(message);
    expect(exitCode).toBe(64);
    expect(existsSync(join(folder, 'x.yaml'))).toBe(false);
  });
});
