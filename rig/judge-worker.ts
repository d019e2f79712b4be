/** A thread that judges one history by one checker, found by its name, and sends back what it came to. */

import { parentPort, workerData } from 'node:worker_threads';
import { type Trial, tryChecker } from './apply-checkers.ts';
import { budgetOf } from './budget.ts';
import type { Checker } from './contract.ts';
import { History } from './history.ts';
import { linearizableBy, rooms } from './rooms.ts';

const { trial, checker: name } = workerData as { readonly trial: Trial; readonly checker: string };
const checker = checkerNamed(name, trial.workload);
const history = new History(trial.parts);
parentPort?.postMessage(checker ? await tryChecker(checker, history, budgetOf(trial.timeoutMs)) : null);

/** The workload's own, one that is registered, or linearizability by a model. */
function checkerNamed(wanted: string, workload: string | null): Checker | undefined {
  const own = rooms.workloads.all.find((member) => member.name === workload)?.checkers ?? [];
  const model = /^linearizable\((.+)\)$/.exec(wanted)?.[1];
  return (
    [...own, ...rooms.checkers.all].find((member) => member.name === wanted) ??
    (model !== undefined && rooms.models.names.includes(model) ? linearizableBy(model) : undefined)
  );
}
