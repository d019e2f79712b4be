import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { HistoryEvent, Json, Verdict } from '../rig/contract.ts';
import { History, OK } from '../rig/history.ts';
import { sketch } from '../rig/sketch.ts';
import type { RegisterInput, RegisterOutput } from './models/register.ts';
import { sessions } from './sessions.ts';

const patient = { exhausted: () => false, reason: () => 'nothing' };
const judge = (picture: string): Verdict =>
  sessions.check(sketch<RegisterInput, RegisterOutput>(picture), patient) as Verdict;
const names = (verdict: Verdict) => verdict.anomalies.map(({ name }) => name);

const written = 'p9 |-write x 1-|  |-write x 2-|';

describe('sessions', () => {
  it('accepts stale reads, as long as each session only ever goes forward', () => {
    const picture = `
      p0 |-write x 1-|  |-write x 2-|
      p1                                |-read x = null-|  |-read x = 1-|  |-read x = 2-|
      p2                                |-read x = 2-|`;
    expect(judge(picture)).toMatchObject({ validity: 'valid', statistics: { compared: 3 } });
  });

  it('finds a session that reads an old value again', () => {
    const verdict = judge(`${written}\np1 |-read x = 1-|  |-read x = 2-|  |-read x = 1-|`);
    expect(names(verdict)).toEqual(['monotonic-reads']);
    expect(verdict.anomalies[0]?.explanation).toMatch(/by monotonic reads 1 is before 2, for process 1 read 1/);
  });

  it('finds a session that reads nothing after it read something', () => {
    expect(names(judge(`${written}\np1 |-read x = 1-|  |-read x = null-|`))).toEqual(['monotonic-reads']);
  });

  it('finds a session that does not see its own write', () => {
    expect(names(judge('p0 |-write x 1-|  |-read x = null-|'))).toEqual(['read-your-writes']);
    expect(judge('p0 |-write x 1-x  |-read x = null-|').validity).not.toBe('invalid');
  });

  it('finds writes of one session that others see the other way round', () => {
    const verdict = judge(`${written}\np1   |-read x = 2-|  |-read x = 1-|`);
    expect(names(verdict)).toEqual(['coherence']);
    expect(verdict.anomalies[0]?.explanation).toMatch(/monotonic (reads|writes) .*; but by monotonic (writes|reads)/);
    expect(
      judge(written.replace('p9 |-write x 1-|', 'p9 |-write x 1-x').concat('\np1 |-read x = 2-|  |-read x = 2-|'))
        .validity,
    ).toBe('valid');
  });

  it('finds a value that a session read before it wrote it', () => {
    expect(names(judge('p0 |-read x = 1-|  |-write x 1-|'))).toEqual(['writes-follow-reads']);
    const chain = 'p0 |-write x 1-|  |-read x = 2-|\np1 |-read x = 1-|  |-write x 2-|';
    expect(judge(chain).validity).toBe('valid');
    expect(names(judge('p0 |-read x = 2-|  |-write x 1-|\np1 |-read x = 1-|  |-write x 2-|'))).toEqual([
      'writes-follow-reads',
    ]);
  });

  it('finds a value that nobody wrote, or that was refused, but none that may have been written', () => {
    const read = (end: string, seen: string) =>
      judge(`p0 |-write x 1${end}\np1                 |-read x = ${seen}-|  |-read x = ${seen}-|`);
    expect(names(read('-|', '7'))).toContain('thin-air-read');
    expect(names(read('-x', '1'))).toContain('thin-air-read');
    for (const end of ['-|', '-?']) expect(read(end, '1').validity).toBe('valid');
  });

  it('judges each key by itself', () => {
    expect(judge('p0 |-write x 1-|  |-read y = null-|  |-write y 1-|').validity).toBe('valid');
  });

  it('is unknown when a value was written twice, or nobody asked twice', () => {
    expect(judge('p0 |-write x 1-|  |-read x = null-|\np1 |-write x 1-|').validity).toBe('unknown');
    expect(judge('p0 |-write x 1-|').validity).toBe('unknown');
  });

  it('rejects exactly the histories without an order of writes that every session follows', () => {
    fc.assert(
      fc.property(fc.array(step, { minLength: 2, maxLength: 16 }), (steps) => {
        const history = build(steps);
        expect((sessions.check(history, patient) as Verdict).validity === 'invalid').toBe(!hasOrder(history));
      }),
      { numRuns: 3000 },
    );
  });
});

type Step = { process: number; f: 'read' | 'write'; output: number | null };
const step: fc.Arbitrary<Step> = fc.record({
  process: fc.integer({ min: 0, max: 2 }),
  f: fc.constantFrom('read', 'read', 'write'),
  output: fc.constantFrom(null, 1, 2, 3, 4),
});

/** One after the other: only the order within a process matters. Writes count up. */
function build(steps: readonly Step[]): History<RegisterInput, RegisterOutput> {
  let written = 0;
  const events = steps.flatMap(({ process, f: wanted, output }, number) => {
    const who = { process, node: 'n1' };
    const f = written < 4 ? wanted : 'read';
    const input = f === 'write' ? { f, value: ++written } : { f };
    return [
      { ...who, index: 2 * number, timeNs: 2 * number, type: 'invoke', input },
      { ...who, index: 2 * number + 1, timeNs: 2 * number + 1, type: 'ok', output: f === 'write' ? null : output },
    ];
  });
  return new History(events as unknown as HistoryEvent<RegisterInput, RegisterOutput>[]);
}

/** Tries every order of the values, each of which somebody wrote. A session never goes back, and comes to its own write from below. */
function hasOrder(history: History<RegisterInput, RegisterOutput>): boolean {
  const values = new Set<Json>();
  const written = new Set<Json>([null]);
  const bySession = new Map<number, { value: Json; isWrite: boolean }[]>();
  for (let at = 0; at < history.length; at++) {
    const input = history.input(at);
    if (history.type[at] !== OK) continue;
    const value = input.f === 'write' ? input.value : (history.output(at) ?? null);
    values.add(value);
    if (input.f === 'write') written.add(value);
    const process = history.process[at] as number;
    bySession.set(process, [...(bySession.get(process) ?? []), { value, isWrite: input.f === 'write' }]);
  }
  if ([...values].some((value) => !written.has(value))) return false;
  values.delete(null);
  return permutations([...values]).some((order) => {
    const rank = (value: Json) => (value === null ? -1 : order.indexOf(value));
    return [...bySession.values()].every((session) =>
      session.every(({ value, isWrite }, at) => {
        const last = session[at - 1];
        return !last || rank(last.value) < rank(value) || (!isWrite && last.value === value);
      }),
    );
  });
}

function permutations(values: readonly Json[]): Json[][] {
  if (values.length === 0) return [[]];
  return values.flatMap((value) => permutations(values.filter((one) => one !== value)).map((rest) => [value, ...rest]));
}
