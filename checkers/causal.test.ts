import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { HistoryEvent, Json, Verdict } from '../rig/contract.ts';
import { History } from '../rig/history.ts';
import { sketch } from '../rig/sketch.ts';
import { causal } from './causal.ts';
import type { RegisterInput, RegisterOutput } from './models/register.ts';

const patient = { exhausted: () => false, reason: () => 'nothing' };
const judge = (picture: string): Verdict =>
  causal.check(sketch<RegisterInput, RegisterOutput>(picture), patient) as Verdict;
const names = (verdict: Verdict) => verdict.anomalies.map(({ name }) => name);

describe('causal', () => {
  it('accepts sessions that see unrelated writes in different orders', () => {
    const picture = `
      p0 |-write x 1-|
      p1 |-write x 2-|
      p2               |-read x = 1-|  |-read x = 2-|
      p3               |-read x = 2-|  |-read x = 1-|`;
    expect(judge(picture)).toMatchObject({ validity: 'valid', statistics: { sessions: 4 } });
  });

  it('finds a reply seen without the message that it answers', () => {
    const verdict = judge(`
      p0 |-write x 1-|
      p1               |-read x = 1-|  |-write y 2-|
      p2                                             |-read y = 2-|  |-read x = null-|`);
    expect(names(verdict)).toEqual(['causally-missing-write']);
    expect(verdict.anomalies[0]?.explanation).toMatch(/found nothing, .* in key "x", although 1 /);
  });

  it('finds a read of what was overwritten by somebody who knew of it', () => {
    const verdict = judge(`
      p0 |-write x 1-|
      p1               |-read x = 1-|  |-write x 2-|
      p2                                             |-read x = 2-|  |-read x = 1-|`);
    expect(names(verdict)).toEqual(['causally-overwritten-read']);
    expect(verdict.anomalies[0]?.witnesses).toEqual([0, 4, 8]);
  });

  it('finds reads from each other’s future', () => {
    const verdict = judge('p0 |-read x = 1-|  |-write y 2-|\np1 |-read y = 2-|  |-write x 1-|');
    expect(names(verdict)).toEqual(['cyclic-causality']);
    expect(judge('p0 |-write y 2-|  |-read x = 1-|\np1 |-write x 1-|  |-read y = 2-|').validity).toBe('valid');
  });

  it('finds a value that nobody wrote, or whose write was refused', () => {
    expect(names(judge('p0 |-write x 1-|  |-read x = 3-|'))).toEqual(['thin-air-read']);
    expect(names(judge('p0 |-write x 1-|  |-write x 3-x  |-read x = 3-|'))).toEqual(['thin-air-read']);
    expect(
      names(judge('p0 |-write x 1-|\np1                |-write x 3-?\np2                            |-read x = 3-|')),
    ).toEqual([]);
  });

  it('is unknown without reads, or where a value was written twice', () => {
    expect(judge('p0 |-write x 1-|').validity).toBe('unknown');
    expect(judge('p0 |-write x 1-|  |-write x 1-|  |-read x = 1-|').validity).toBe('unknown');
  });

  it('gives up with a reason when its budget runs out', () => {
    const history = sketch<RegisterInput, RegisterOutput>('p0 |-write x 1-|  |-read x = 1-|');
    const verdict = causal.check(history, { exhausted: () => true, reason: () => '3 s of time' }) as Verdict;
    expect(verdict).toMatchObject({ validity: 'unknown' });
    expect(verdict.summary).toContain('3 s of time ran out');
  });

  it('rejects exactly what the bad patterns reject, over the closure of the causal order', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 14 }), (steps) => {
        const history = build(steps);
        expect((causal.check(history, patient) as Verdict).validity === 'invalid').toBe(hasBadPattern(history));
      }),
      { numRuns: 3000 },
    );
  });
});

type Step = { process: number; key: string; f: 'read' | 'write'; output: number | null };
const step: fc.Arbitrary<Step> = fc.record({
  process: fc.integer({ min: 0, max: 2 }),
  key: fc.constantFrom('x', 'y'),
  f: fc.constantFrom('read', 'read', 'write'),
  output: fc.constantFrom(null, 1, 2, 3),
});

/** One after the other: only the order within a process matters. Writes count up, by key. */
function build(steps: readonly Step[]): History<RegisterInput, RegisterOutput> {
  const written: Record<string, number> = { x: 0, y: 0 };
  const events = steps.flatMap(({ process, key, f, output }, number) => {
    const who = { process, node: 'n1' };
    const input = f === 'write' ? { f, key, value: ++written[key]! } : { f, key };
    return [
      { ...who, index: 2 * number, timeNs: 2 * number, type: 'invoke', input },
      { ...who, index: 2 * number + 1, timeNs: 2 * number + 1, type: 'ok', output: f === 'write' ? null : output },
    ];
  });
  return new History(events as unknown as HistoryEvent<RegisterInput, RegisterOutput>[]);
}

function hasBadPattern(history: History<RegisterInput, RegisterOutput>): boolean {
  const all = [...history.operations()].map(({ process, input, completion }) => ({
    process,
    key: input.key as Json,
    isWrite: input.f === 'write',
    value: input.f === 'write' ? input.value : 'output' in completion ? completion.output : null,
  }));
  const before = all.map((one, at) =>
    all.map((other, later) => {
      if (one.process === other.process) return at < later;
      return one.isWrite && !other.isWrite && one.key === other.key && one.value === other.value;
    }),
  );
  for (const [at, one] of all.entries())
    for (const [later, other] of all.entries())
      if (one.isWrite && !other.isWrite && one.key === other.key && one.value === other.value && at !== later)
        (before[at] as boolean[])[later] = true;
  for (let k = 0; k < all.length; k++)
    for (let i = 0; i < all.length; i++)
      if (before[i]?.[k]) for (let j = 0; j < all.length; j++) if (before[k]?.[j]) (before[i] as boolean[])[j] = true;
  if (all.some((_, at) => before[at]?.[at])) return true;
  return all.some((read, at) => {
    if (read.isWrite) return false;
    const writer = all.findIndex((one) => one.isWrite && one.key === read.key && one.value === read.value);
    if (read.value !== null && writer < 0) return true;
    return all.some(
      (one, between) =>
        one.isWrite &&
        one.key === read.key &&
        between !== writer &&
        before[between]?.[at] === true &&
        (writer < 0 || before[writer]?.[between] === true),
    );
  });
}
