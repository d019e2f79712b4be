/**
 * From a run's directory to its verdict, with no cluster: what `ordeal check DIR` does alone, also for a run whose
 * rig was killed. Reads `spec.json` and `history.jsonl`, writes `verdict.json`.
 */

import { join } from 'node:path';
import { applyCheckers } from './apply-checkers.ts';
import type { Checker, Ending, RunHeader, RunRecord, RunVerdict, Verdict } from './contract.ts';
import { worst } from './define.ts';
import { exitOf } from './exit.ts';
import { faultRecords } from './faults.ts';
import { FAIL, History, OK } from './history.ts';
import { readHistory } from './history-file.ts';
import { writeJson } from './store.ts';
import { readWire, WIRE_FILE } from './wire-file.ts';

/** Judges with these checkers. What is not yet judged when `signal` aborts becomes `unknown`. */
export async function judge(
  directory: string,
  header: RunHeader,
  checkers: readonly Checker[],
  progress: (message: string) => void = () => {},
  signal?: AbortSignal,
): Promise<RunRecord> {
  const written = await readHistory(join(directory, 'history.jsonl'));
  const wire = await readWire(join(directory, WIRE_FILE));
  const history = wire ? new History({ ...written.parts, wire }) : written;
  const { verdicts, errors } = await applyCheckers(history, checkers, {
    timeoutMs: header.spec.checkTimeoutMs,
    workload: header.spec.workload,
    progress,
    signal,
  });
  const verdict = conclude(header, history, verdicts, errors);
  writeJson(join(directory, 'verdict.json'), verdict);
  return { header, history, verdict, directory };
}

function conclude(
  header: RunHeader,
  history: History,
  verdicts: readonly Verdict[],
  checkErrors: readonly string[],
): RunVerdict {
  const down = history.phases.findLast((phase) => phase.ending !== undefined);
  const ending: Ending | 'killed' = down?.ending ?? 'killed';
  // Of an interrupted run the note is the signal's name, of an aborted one the limit, of a failed one what went wrong.
  const errors = ending === 'failed' && down?.note !== undefined ? [down.note, ...checkErrors] : checkErrors;
  const validity = worst(verdicts.map((verdict) => verdict.validity));
  const exit = exitOf({ validity, ending, signal: down?.note, errors, left: down?.left ?? null });
  return {
    schema: 1,
    id: header.id,
    validity,
    ending,
    summary: summaryOf(validity, ending === 'aborted' ? `aborted, ${down?.note}` : ending, verdicts, errors),
    exit,
    verdicts,
    faults: faultRecords(history),
    errors,
    warnings: history.warnings,
    counts: countsOf(history),
    durationMs: Math.round(history.lastNs / 1e6),
  };
}

function summaryOf(
  validity: RunVerdict['validity'],
  ending: string,
  verdicts: readonly Verdict[],
  errors: readonly string[],
): string {
  const worstOnes = verdicts.filter((verdict) => verdict.validity === validity);
  const [error] = errors;
  if (validity === 'invalid' || error === undefined) {
    const judged = validity === 'valid' ? verdicts.slice(0, 1) : worstOnes;
    const sentence = judged.map((verdict) => verdict.summary).join('; ') || 'nothing was judged';
    return /^(interrupted|aborted)/.test(ending) ? `${ending}; until then: ${sentence}` : sentence;
  }
  return error;
}

function countsOf(history: History): RunVerdict['counts'] {
  const counts = history.functions.map(() => ({ ok: 0, fail: 0, info: 0 }));
  for (let at = 0; at < history.length; at++) {
    const count = counts[history.f[at] as number] as { ok: number; fail: number; info: number };
    if (history.type[at] === OK) count.ok++;
    else if (history.type[at] === FAIL) count.fail++;
    else count.info++;
  }
  return Object.fromEntries(
    history.functions.map((f, at) => [f, counts[at] as { ok: number; fail: number; info: number }]),
  );
}
