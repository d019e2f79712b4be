import { gzipSync } from 'node:zlib';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { INFO, NEVER, OK } from './history.ts';
import { MalformedHistory, readHistory } from './history-file.ts';
import { LONGEST_LINE, UnreadableFile } from './lines.ts';

const events = [
  { index: 0, timeNs: 0, type: 'phase', phase: 'load' },
  { index: 1, timeNs: 5, type: 'invoke', process: 0, node: 'n1', input: { f: 'read', key: 'é' }, dueNs: 3 },
  { index: 2, timeNs: 7, type: 'nemesis', nemesis: 'kill', hold: 'h', action: 'inject', fault: null, sentence: 's' },
  { index: 3, timeNs: 9, type: 'ok', process: 0, node: 'n1', output: [1, null] },
  { index: 4, timeNs: 9, type: 'invoke', process: 0, node: 'n1', input: { f: 'write', value: 1 } },
  { index: 5, timeNs: 12, type: 'info', process: 0, node: 'n1', error: 'timeout', detail: 'nothing within 1 s' },
];
const lines = events.map((event) => JSON.stringify(event));
const bytes = (...text: string[]) => Buffer.from(`${text.join('\n')}\n`);

describe('readHistory', () => {
  it('pairs invocations with their completions and keeps the rest apart', async () => {
    const history = await readHistory(bytes(...lines));
    expect(history.warnings).toEqual([]);
    expect(history).toMatchObject({
      length: 2,
      eventCount: 6,
      lastNs: 12,
      functions: ['read', 'write'],
      nodes: ['n1'],
    });
    expect([...history.type]).toEqual([OK, INFO]);
    expect([...history.completeIndex]).toEqual([3, NEVER]);
    expect([0, 1].map((at) => history.endedNs(at))).toEqual([9, 12]);
    expect(history.operation(0)).toMatchObject({ index: 1, dueNs: 3, completion: { type: 'ok', output: [1, null] } });
    expect(history.completion(1)).toEqual({ type: 'info', error: 'timeout', detail: 'nothing within 1 s' });
    expect(history.faults).toHaveLength(1);
    expect(history.phases).toHaveLength(1);
  });

  it('reads files and gzip alike', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'ordeal-test-'));
    try {
      const path = join(directory, 'history.jsonl.gz');
      writeFileSync(path, gzipSync(bytes(...lines)));
      expect((await readHistory(path)).eventCount).toBe(6);
    } finally {
      rmSync(directory, { recursive: true });
    }
  });

  it('leaves out a torn last line with a warning, wherever it is torn', async () => {
    const whole = bytes(...lines).toString();
    for (let cut = 1; cut < (lines[5] as string).length; cut += 7) {
      const history = await readHistory(Buffer.from(whole.slice(0, -1 - cut)));
      expect(history.eventCount).toBe(5);
      expect(history.warnings[0]).toMatch(/^the last line, 6, is torn/);
    }
    expect((await readHistory(Buffer.from(whole.slice(0, -1)))).warnings).toEqual([]);
  });

  it('reads what there is of a torn gzip', async () => {
    const torn = gzipSync(bytes(...lines)).subarray(0, -12);
    const history = await readHistory(torn);
    expect(history.warnings[0]).toContain('ends too early');
  });

  it.each([
    ['{"index":0', 'line 1: expected an event as JSON, found {"index":0'],
    ['[]', 'line 1: expected an object, found []'],
    ['{"index":3,"timeNs":0,"type":"ok"}', 'line 1: expected index 0, found 3'],
    ['{"index":0,"timeNs":-1,"type":"ok"}', 'line 1: expected timeNs, a number not below 0, found -1'],
    [
      '{"index":0,"timeNs":0,"type":"fine"}',
      'line 1: expected type, one of invoke, ok, fail, info, nemesis, phase, found fine',
    ],
    ['{"index":0,"timeNs":0,"type":"ok","process":1.5}', 'line 1: expected process, a 32-bit whole number, found 1.5'],
    [
      '{"index":0,"timeNs":0,"type":"invoke","process":1,"node":"n1","input":{}}',
      'line 1: expected input, an object with the function f, found {}',
    ],
    ['{"index":0,"timeNs":0,"type":"ok","process":1,"node":"n1"}', 'line 1: expected output, found nothing'],
    ['{"index":0,"timeNs":0,"type":"phase","phase":"tea"}', 'found tea'],
    ['\u0007'.repeat(200), `found ${'·'.repeat(80)}… (200 characters)`],
  ])('refuses %j, naming the line, what was expected and what was found', async (line, message) => {
    const failure = await readHistory(bytes(line, lines[1] as string)).catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(MalformedHistory);
    expect((failure as Error).message).toContain(message);
  });

  it('refuses a line that is too long instead of holding it', async () => {
    const long = Buffer.alloc(LONGEST_LINE + 2, 'x');
    await expect(readHistory(long)).rejects.toThrow(UnreadableFile);
    await expect(readHistory(gzipSync(long))).rejects.toThrow('line 1 is longer than 64 MiB');
  });

  it('warns of processes that break the rules, and leaves out what has no meaning', async () => {
    const history = await readHistory(
      bytes(
        '{"index":0,"timeNs":0,"type":"ok","process":7,"node":"n1","output":null}',
        '{"index":1,"timeNs":0,"type":"invoke","process":7,"node":"n1","input":{"f":"read"}}',
        '{"index":2,"timeNs":0,"type":"invoke","process":7,"node":"n1","input":{"f":"read"}}',
      ),
    );
    expect(history.length).toBe(2);
    expect(history.warnings).toEqual([
      'process 7 completed at 0 with nothing open: left out',
      'process 7 asked again at 2 with a request open: that one is taken as unknown',
    ]);
  });

  it('ends in a history or a sentence whatever the lines are', async () => {
    const anyLine = fc.oneof(
      fc.constantFrom(...lines),
      fc.json(),
      fc.string(),
      fc.constantFrom(...lines).map((line) => line.slice(5)),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(anyLine, { maxLength: 8 }), async (hostile) => {
        try {
          await readHistory(Buffer.from(hostile.join('\n')));
        } catch (error) {
          expect(error).toBeInstanceOf(MalformedHistory);
        }
      }),
      { numRuns: 300, seed: 1 },
    );
  });
});
