import { describe, expect, it } from 'vitest';
import {
  duplicateRun,
  failedRun,
  hostileRun,
  interruptedRun,
  invalidRun,
  unknownRun,
  validRun,
} from './samples/index.ts';
import { summarise } from './summary.ts';

const DIRECTORY = '/tmp/ordeal-sample';
const plainly = { colour: false };

describe('the summary of a valid run', () => {
  const lines = summarise(validRun(DIRECTORY, 2000), plainly).split('\n');

  it('is six lines: the verdict, what was asked, broken and judged, the report, and the command', () => {
    expect(lines.map((line) => line.trim().split(/ {2,}/)[0])).toEqual([
      '✓ VALID',
      'asked',
      'broken',
      'judged',
      'report',
      'again',
    ]);
  });

  it('counts every operation by how it ended', () => {
    expect(lines[1]).toMatch(/2,000 operations in 60\.0 s: [\d,]+ ok, \d+ failed, \d+ unknown/);
  });

  it('says that the faults had an effect and are gone', () => {
    expect(lines[2]).toContain('5 faults (2 × partition, 2 × kill, 1 × pause): all seen to have an effect, all undone');
  });

  it('says where the report is and how to run it again', () => {
    expect(lines[4]).toContain('/tmp/ordeal-sample/report.html');
    expect(lines[5]).toContain('--seed 42');
  });
});

describe('the summary of an invalid run', () => {
  const text = summarise(invalidRun(DIRECTORY), plainly);
  const lines = text.split('\n');

  it('shows the counterexample in at most 20 lines', () => {
    const from = lines.findIndex((line) => line.includes('nonlinearizable'));
    const to = lines.findIndex((line) => line.trim().startsWith('asked'));
    expect(from).toBeGreaterThan(0);
    expect(to - from).toBeLessThanOrEqual(20);
  });

  it('draws what overlaps as overlapping, and marks the impossible step', () => {
    const bars = lines.filter((line) => /#\d+ .*\|[-=]/.test(line));
    const column = (line: string | undefined, mark: RegExp) => (line ?? '').search(mark);
    const [write, read] = bars;
    expect(column(read, /\|-/)).toBeLessThan(column(write, /-\| /));
    expect(bars.filter((line) => line.includes('✗')).length).toBe(1);
    expect(bars.find((line) => line.includes('✗'))).toMatch(/\|=+\| .*read key 3 → 7/);
  });

  it('says why no legal order can go on', () => {
    expect(text).toContain('cannot come next: it read 7, but the value is 8');
  });

  it('tells the story of a key that was applied twice', () => {
    const story = summarise(duplicateRun(DIRECTORY), plainly);
    expect(story).toContain('duplicate-application');
    expect(story.match(/transfer key w3-117/g)).toHaveLength(3);
    expect(story).toContain('unknown: timeout');
  });
});

describe('the summary of a run that is not a pass', () => {
  it('gives every reason of an unknown', () => {
    const text = summarise(unknownRun(DIRECTORY), plainly);
    expect(text).toContain('? UNKNOWN');
    expect(text).toContain('· linearizable: Not decided for 2 of 41 keys');
    expect(text).toContain('· exercised: Fault 2 (kill) had no effect');
  });

  it('names the way out when a fault may still be in force', () => {
    expect(summarise(interruptedRun(DIRECTORY), plainly)).toContain('ordeal heal 7f3k9q');
  });

  it('has no such line when all was undone', () => {
    expect(summarise(invalidRun(DIRECTORY), plainly)).not.toContain('ordeal heal');
  });

  it('says what could not be done, also without a single operation', () => {
    const text = summarise(failedRun(DIRECTORY), plainly);
    expect(text).toContain('! FAILED');
    expect(text).toContain('· run: the cluster did not come up within 60 s: n2 answers 503');
    expect(text).toContain('nothing: no fault was injected');
  });
});

describe('hostile strings', () => {
  it('reach the terminal without a control character, and in bounded lines', () => {
    const text = summarise(hostileRun(DIRECTORY), plainly);
    expect(text.replaceAll('\n', '')).not.toMatch(/[\p{Cc}\p{Cf}]/u);
    expect(Math.max(...text.split('\n').map((line) => line.length))).toBeLessThan(600);
    expect(text.split('\n').length).toBeLessThan(30);
  });

  it('cannot be mistaken for our own colours', () => {
    expect(summarise(hostileRun(DIRECTORY), { colour: true })).not.toContain('\u001b[31m\u0007');
  });
});

it('colours only when asked to', () => {
  const run = validRun(DIRECTORY, 100);
  expect(summarise(run, plainly)).not.toContain('\u001b[');
  expect(summarise(run, { colour: true })).toContain('\u001b[');
});
