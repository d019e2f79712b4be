import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { UsageError } from './exit.ts';
import { readJsonLines } from './formats.ts';
import type { History } from './history.ts';
import { readHistory } from './history-file.ts';

type Read = (source: Uint8Array, isTakenFast: boolean) => Promise<History>;

/** All there is to a history, or the sentence that refuses it. */
async function seen(read: Read, text: string, isTakenFast: boolean): Promise<string> {
  try {
    const history = await read(Buffer.from(text), isTakenFast);
    const { faults, phases, eventCount, lastNs, warnings, functions, nodes, errors } = history;
    const columns = [history.invokeIndex, history.completeIndex, history.gaveUpNs, history.f, history.node];
    return JSON.stringify([
      [...history.operations()].map((operation) => [operation, String(operation.completedNs)]),
      columns.map((column) => [...column].map(String)),
      { faults, phases, eventCount, lastNs, warnings, functions, nodes, errors },
    ]);
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    return error.message;
  }
}

async function expectAlike(read: Read, text: string): Promise<void> {
  const [fast, slow] = [await seen(read, text, true), await seen(read, text, false)];
  expect(fast, text).toBe(slow);
}

const pick = <T>(...values: readonly T[]) => fc.constantFrom(...values);

const anyValue: fc.Arbitrary<unknown> = fc.oneof(
  fc.nat(5),
  pick<unknown>(null, true, false, '', 'x', 'é', 'a"b', '\n', -1, 0.5, 1e300, 2 ** 30, 2 ** 31, 2 ** 53, -0),
  pick<unknown>([], {}, [1, 2], [1], [1, 2, 3], ['r', 1, null], 'x'.repeat(64), 'x'.repeat(65), 'é'.repeat(65)),
  fc.array(fc.tuple(pick('r', 'append', 'w'), fc.nat(3), fc.oneof(fc.nat(), fc.array(fc.nat(9)), fc.constant(null)))),
  fc.jsonValue({ maxDepth: 3 }),
);

const anyName = pick('f', 'key', 'value', 'from', 'to', 'other', '__proto__', 'é');
const anyText = pick('read', 'write', 'cas', 'get', 'append', 'txn', 'timeout', '', 'ü', 'x'.repeat(80));

/** Mostly as they should be, sometimes anything. */
const mostly = <T>(usual: fc.Arbitrary<T>) =>
  fc.oneof({ weight: 12, arbitrary: usual as fc.Arbitrary<unknown> }, { weight: 1, arbitrary: anyValue });

const anyInput = fc.oneof(
  fc.record({ f: anyText, key: anyValue, value: anyValue }, { requiredKeys: ['f'] }),
  fc.record({ f: anyText, key: anyValue, from: anyValue, to: anyValue }, { requiredKeys: ['f', 'from', 'to'] }),
  fc
    .array(fc.tuple(anyName, mostly(anyText)), { maxLength: 6 })
    .map((entries) => Object.fromEntries(entries) as Record<string, unknown>),
);

const anyType = pick('invoke', 'ok', 'fail', 'info', 'invoke', 'ok', 'nemesis', 'phase', 'tea');
const anyProcess = mostly(pick(0, 1, 2, 3, -1, 2 ** 31 - 1, 2 ** 31, 1.5, 5_000_000));

const journalEvent = fc.record(
  {
    type: anyType,
    process: anyProcess,
    node: mostly(pick('n1', 'n2', 'ñ')),
    input: mostly(anyInput),
    output: anyValue,
    error: mostly(anyText),
    detail: mostly(anyText),
    dueNs: mostly(fc.nat()),
    phase: pick('load', 'tea'),
    extra: anyValue,
  },
  { requiredKeys: ['type', 'process', 'node', 'input', 'output', 'error'] },
);

const jepsenEvent = fc.record(
  {
    type: anyType,
    process: anyProcess,
    f: mostly(anyText),
    key: anyValue,
    value: mostly(anyValue),
    time: mostly(fc.nat()),
    error: mostly(anyText),
    index: mostly(fc.nat()),
    node: anyValue,
    timeNs: anyValue,
  },
  { requiredKeys: ['type', 'process', 'f'] },
);

/** The text of an event, as others might write it, and sometimes broken. */
const written = (event: fc.Arbitrary<object>) =>
  fc.tuple(event, fc.nat(99), fc.nat(), fc.boolean()).map(([fields, dice, place, isShuffled]) => {
    const entries = Object.entries(fields);
    const begin = isShuffled && entries.length > 0 ? place % entries.length : 0;
    const text = JSON.stringify(Object.fromEntries([...entries.slice(begin), ...entries.slice(0, begin)]));
    const at = place % (text.length + 1);
    if (dice < 4) return text.slice(0, at);
    if (dice < 8)
      return text.slice(0, at) + (['"', ',', '}', '0', '\\', '\t', ' ', '\u0001'][dice] ?? '-') + text.slice(at);
    if (dice < 12) return text.slice(0, at) + text.slice(at + 1);
    if (dice < 20) return text.replaceAll(/([:,])/g, '$1 ');
    if (dice < 24) return `${text}\r`;
    if (dice < 27) return text.replace(/\}$/, `,${text.slice(1)}`);
    return text;
  });

const withIndices = (lines: readonly string[], dice: number) =>
  lines
    .map((line, at) =>
      line.replace(/^\{"/, `{"index":${dice === 0 ? 7 : at},"timeNs":${dice === 1 ? 9 - at : at * 5},"`),
    )
    .join('\n');

describe('reading a line from its bytes', () => {
  it("comes to the same as parsing it, for a journal's lines and broken ones", { timeout: 60_000 }, async () => {
    const files = fc.tuple(fc.array(written(journalEvent), { maxLength: 6 }), fc.nat(20), fc.boolean());
    await fc.assert(
      fc.asyncProperty(files, ([lines, dice, isWhole]) =>
        expectAlike(readHistory, withIndices(lines, dice) + (isWhole ? '\n' : '')),
      ),
      { numRuns: 3_000, seed: 7 },
    );
  });

  it("comes to the same as parsing it, for Jepsen's lines and broken ones", { timeout: 60_000 }, async () => {
    const files = fc.tuple(fc.array(written(jepsenEvent), { maxLength: 6 }), fc.boolean());
    await fc.assert(
      fc.asyncProperty(files, ([lines, isWhole]) =>
        expectAlike(readJsonLines, lines.join('\n') + (isWhole ? '\n' : '')),
      ),
      { numRuns: 3_000, seed: 7 },
    );
  });

  /** Lines, and lines that differ from one of them in one character. */
  const alike = (lines: fc.Arbitrary<string>) =>
    fc
      .tuple(
        fc.array(lines, { minLength: 1, maxLength: 3 }),
        fc.array(fc.tuple(fc.nat(), fc.nat(), pick('', '0', '7', '}', ',', '"', ' ', '-', 'x')), { maxLength: 12 }),
      )
      .map(([known, changes]) => {
        const changed = changes.map(([which, place, put], turn) => {
          const line = known[which % known.length] as string;
          const at = place % (line.length + 1);
          return turn % 3 === 0 ? line : line.slice(0, at) + put + line.slice(at + 1);
        });
        return [...known, ...changed];
      });

  it('comes to the same as parsing it, for lines that are almost as others before them', {
    timeout: 60_000,
  }, async () => {
    await fc.assert(
      fc.asyncProperty(alike(written(jepsenEvent)), alike(written(journalEvent)), async (theirs, ours) => {
        await expectAlike(readJsonLines, theirs.join('\n'));
        await expectAlike(readHistory, withIndices(ours, 2));
      }),
      { numRuns: 3_000, seed: 7 },
    );
  });

  it.each([
    '{"process":1,"type":"invoke","f":"cas","value":[1,2]}',
    '{"process":1,"type":"invoke","f":"cas","value":[1,2,3]}',
    '{"process":1,"type":"invoke","f":"cas","value":[]}',
    '{"process":1,"type":"invoke","f":"cas","value":[[1],{}]}',
    '{"process":01,"type":"invoke","f":"read"}',
    '{"process":1.0,"type":"invoke","f":"read","value":-0}',
    '{"process":1e0,"type":"invoke","f":"write","value":1e2}',
    '{"process":1,"type":"invoke","f":"write","value":1.}',
    '{"process":1,"type":"invoke","f":"write","value":-}',
    '{"process":1,"type":"invoke","f":"write","value":12345678901234567890}',
    '{"process":1,"type":"invoke","f":"write","value":1e999}',
    '{"process":1,"type":"invoke","f":"write","value":nul}',
    '{"process":1,"type":"invoke","f":"write","value":[1,]}',
    '{"process":1,"type":"invoke","f":"write","value":{"a":1,"a":2}}',
    '{"process":1,"type":"invoke","f":"write","f":"read","value":1}',
    '{"process":1,"type":"invoke","f":"get","key":7}',
    '{"process":1,"type":"invoke","f":"write","value":"\\u0061"}',
    '{"process":1,"type":"invoke","f":"read"} {}',
    '{"process":1,"type":"invoke","f":"read"}}',
    `{"process":1,"type":"invoke","f":"write","value":${'['.repeat(199)}${']'.repeat(199)}}`,
    `{"process":1,"type":"invoke","f":"write","value":${'['.repeat(300)}${']'.repeat(300)}}`,
    `{"process":1,"type":"invoke","f":"write","value":${'['.repeat(50_000)}${']'.repeat(50_000)}}`,
  ])('comes to the same as parsing it: %.90s', async (line) => {
    const end = line.replace('invoke', 'ok');
    await expectAlike(readJsonLines, `${line}\n${end}\n`);
  });

  it('refuses in a sentence what is nested too deeply', async () => {
    const deep = `{"process":1,"type":"invoke","f":"write","value":${'['.repeat(300)}${']'.repeat(300)}}\n`;
    await expect(readJsonLines(Buffer.from(deep))).rejects.toThrow('nested deeper than 200');
  });

  it('does not depend on where chunks of the file end', async () => {
    const lines = Array.from({ length: 9_000 }, (_, at) => {
      const value = at % 7 === 0 ? 'é'.repeat(at % 90) : at;
      return JSON.stringify({
        process: at % 50,
        type: at % 100 < 50 ? 'invoke' : 'ok',
        f: 'write',
        key: `k${at % 97}`,
        value,
      });
    });
    const text = lines.join('\n');
    await expectAlike(readJsonLines, text);
    const gzipped = await readJsonLines(gzipSync(text));
    expect(gzipped.eventCount).toBe(9_000);
  });

  it('gives equal values equal codes, however they were written', async () => {
    const history = await readJsonLines(
      Buffer.from(
        ['"abc"', '"\\u0061bc"', '7', '7.0', '-3', '-3.0', '"é"', '"\\u00e9"']
          .map((value, process) => `{"process":${process},"type":"invoke","f":"write","key":"k","value":${value}}\n`)
          .join(''),
      ),
    );
    const [...codes] = history.valueCode;
    for (let at = 0; at < codes.length; at += 2) expect(codes[at]).toBe(codes[at + 1]);
    expect(new Set(codes).size).toBe(4);
    expect(codes[2]).toBe(7);
  });
});
