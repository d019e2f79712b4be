import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { RealClock, VirtualClock } from './clock.ts';
import { Journal, LONGEST_EVENT_BYTES } from './journal.ts';

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
    const journal = await Journal.create(path, clock);
    journal.append({ type: 'phase', phase: 'bring-up' });
    await clock.sleep(2);
    journal.append({ type: 'invoke', process: 0, node: 'n1', input: { f: 'read' } });
    await journal.close();
    expect(linesOf(path)).toEqual([
      { index: 0, timeNs: 0, type: 'phase', phase: 'bring-up' },
      { index: 1, timeNs: 2e6, type: 'invoke', process: 0, node: 'n1', input: { f: 'read' } },
    ]);
  });

  it('has a fault on disk when it says so, without being closed', async () => {
    const path = join(directory, 'history.jsonl');
    const journal = await Journal.create(path, new VirtualClock());
    await journal.appendDurably({
      type: 'nemesis',
      nemesis: 'kill',
      hold: 'kill-1',
      action: 'inject',
      fault: { nodes: ['n1'] },
      sentence: 'n1 is killed',
    });
    expect(linesOf(path)).toHaveLength(1);
    await journal.close();
  });

  it('writes an answer that is too large as an unknown', async () => {
    const path = join(directory, 'history.jsonl');
    const journal = await Journal.create(path, new VirtualClock());
    for (const output of ['x'.repeat(LONGEST_EVENT_BYTES), 'é'.repeat(LONGEST_EVENT_BYTES / 2)])
      journal.append({ type: 'ok', process: 0, node: 'n1', output });
    await journal.close();
    for (const at of [0, 1]) expect(linesOf(path)[at]).toMatchObject({ type: 'info', error: 'output-too-large' });
  });

  it('never overwrites a history', async () => {
    const path = join(directory, 'history.jsonl');
    await (await Journal.create(path, new RealClock())).close();
    await expect(Journal.create(path, new RealClock())).rejects.toThrow('EEXIST');
    await expect(Journal.create(path, new VirtualClock())).rejects.toThrow('EEXIST');
  });

  it('keeps the order of what is appended while the disk works', async () => {
    const path = join(directory, 'history.jsonl');
    const journal = await Journal.create(path, new RealClock());
    for (let process = 0; process < 20_000; process++)
      journal.append({ type: 'invoke', process, node: 'n1', input: { f: 'read' } });
    await journal.close();
    expect(linesOf(path).map(({ process }) => process)).toEqual(Array.from({ length: 20_000 }, (_, at) => at));
  });

  it('ignores what comes after its end', async () => {
    const path = join(directory, 'history.jsonl');
    const journal = await Journal.create(path, new VirtualClock());
    journal.append({ type: 'phase', phase: 'down' });
    await journal.close();
    journal.append({ type: 'ok', process: 0, node: 'n1', output: null });
    expect(linesOf(path)).toHaveLength(1);
  });
});
