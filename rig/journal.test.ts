import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { VirtualClock } from './clock.ts';
import { Journal, LONGEST_LINE_BYTES } from './journal.ts';

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'ordeal-journal-'));
});
afterEach(() => rmSync(directory, { recursive: true }));

const linesOf = (path: string) =>
  readFileSync(path, 'utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Record<string, unknown>);

describe('Journal', () => {
  it('stamps each event with its index and the clock’s time', async () => {
    const clock = new VirtualClock();
    const path = join(directory, 'history.jsonl');
    const journal = new Journal(path, clock);
    journal.append({ type: 'phase', phase: 'bring-up' });
    await clock.sleep(2);
    journal.append({ type: 'invoke', process: 0, node: 'n1', input: { f: 'read' } });
    journal.close();
    expect(linesOf(path)).toEqual([
      { index: 0, timeNs: 0, type: 'phase', phase: 'bring-up' },
      { index: 1, timeNs: 2e6, type: 'invoke', process: 0, node: 'n1', input: { f: 'read' } },
    ]);
  });

  it('has a fault on disk when it says so, without being closed', async () => {
    const path = join(directory, 'history.jsonl');
    const journal = new Journal(path, new VirtualClock());
    await journal.appendDurably({
      type: 'nemesis',
      nemesis: 'kill',
      hold: 'kill-1',
      action: 'inject',
      fault: { nodes: ['n1'] },
      sentence: 'n1 is killed',
    });
    expect(linesOf(path)).toHaveLength(1);
    journal.close();
  });

  it('writes an answer that is too large as an unknown', () => {
    const path = join(directory, 'history.jsonl');
    const journal = new Journal(path, new VirtualClock());
    journal.append({ type: 'ok', process: 0, node: 'n1', output: 'x'.repeat(LONGEST_LINE_BYTES) });
    journal.close();
    expect(linesOf(path)[0]).toMatchObject({ type: 'info', error: 'output-too-large' });
  });

  it('never overwrites a history', () => {
    const path = join(directory, 'history.jsonl');
    new Journal(path, new VirtualClock()).close();
    expect(() => new Journal(path, new VirtualClock())).toThrow('EEXIST');
  });

  it('ignores what comes after its end', () => {
    const path = join(directory, 'history.jsonl');
    const journal = new Journal(path, new VirtualClock());
    journal.append({ type: 'phase', phase: 'down' });
    journal.close();
    journal.append({ type: 'ok', process: 0, node: 'n1', output: null });
    expect(linesOf(path)).toHaveLength(1);
  });
});
