import { describe, expect, it } from 'vitest';
import { listAppend as strict, listAppendBy } from '../checkers/isolation/list-append.ts';
import { memory } from '../clusters/memory/memory.ts';
import type { Checker, MicroOperation, RunSpec, Verdict, Workload } from '../rig/contract.ts';
import type { History } from '../rig/history.ts';
import { rehearse } from '../rig/rehearsal.ts';
import { listAppend } from './list-append.ts';
import { rwRegister } from './rw-register.ts';
import { sqlRows } from './sql-rows.ts';

const patient = { exhausted: () => false, reason: () => 'nothing' };

const ran = async (workload: unknown, variant: string | null, changes: Partial<RunSpec> = {}): Promise<History> => {
  const spec = { variant, timeLimitMs: 4000, ...changes };
  return (await rehearse({ cluster: memory, workload: workload as Workload, nemeses: [] }, spec)).history;
};

const judge = (checker: unknown, history: History) => (checker as Checker).check(history, patient) as Verdict;
const namesIn = ({ anomalies }: Verdict) => new Set(anomalies.map(({ name }) => name));

describe.each([
  ['list-append', listAppend, ['append']],
  ['rw-register', rwRegister, ['w']],
  ['sql-rows', sqlRows, ['insert', 'update']],
] as const)('%s', (_, workload, writes) => {
  it('finds nothing wrong with a store that runs one transaction after the other', async () => {
    const verdict = judge(workload.checkers[0], await ran(workload, null));
    expect(verdict).toMatchObject({ validity: 'valid', anomalies: [] });
  });

  it('finds that transactions are seen half done', async () => {
    const verdict = judge(workload.checkers[0], await ran(workload, 'half-done'));
    expect(verdict.validity).toBe('invalid');
    expect([...namesIn(verdict)].some((name) => name === 'G1b' || name.startsWith('G-single'))).toBe(true);
  });

  it('never writes a value twice', async () => {
    const history = await ran(workload, null);
    const written = [...history.operations()].flatMap(({ input }) =>
      (input['value'] as unknown as readonly MicroOperation[])
        .filter(([f]) => (writes as readonly string[]).includes(f))
        .map(([, , value]) => JSON.stringify(value)),
    );
    expect(written.length).toBeGreaterThan(500);
    expect(new Set(written).size).toBe(written.length);
  });
});

describe('sql-rows', () => {
  it('makes every kind of statement, most of which find what they are for', async () => {
    const history = await ran(sqlRows, null);
    const answers = [...history.operations()].flatMap(({ completion }) =>
      completion.type === 'ok' ? (completion.output as unknown as readonly MicroOperation[]) : [],
    );
    for (const f of ['select', 'insert', 'update', 'delete'])
      expect(answers.filter(([name]) => name === f).length).toBeGreaterThan(10);
    const updates = answers.filter(([f]) => f === 'update');
    expect(updates.filter(([, , , changed]) => changed === 1).length).toBeGreaterThan(0.7 * updates.length);
  });
});

describe('list-append on snapshots', () => {
  it('finds write skew, which snapshot isolation allows and serializability does not', async () => {
    const history = await ran(listAppend, 'write-skew', { timeLimitMs: 8000 });
    expect(namesIn(judge(strict, history))).toContain('G2-item');
    expect(judge(listAppendBy('snapshot-isolation'), history).validity).toBe('valid');
  });
});
