/** A thread that judges one history by checkers, found by their names, and sends back what each came to. */

import { parentPort, workerData } from 'node:worker_threads';
import { type Question, type Trial, tryChecker } from './apply-checkers.ts';
import { budgetOf } from './budget.ts';
import type { Checker, Workload } from './contract.ts';
import { History } from './history.ts';
import { judgeNamed } from './judges.ts';

const { parts, timeoutMs, workload } = workerData as Trial;
const history = new History(parts);

parentPort?.on('message', (question: Question) => void answer(question));

async function answer({ name, share }: Question): Promise<void> {
  const checker = (await ownOf(workload, name)) ?? (await registered(name));
  const budget = budgetOf(timeoutMs, (progress) => parentPort?.postMessage({ progress }));
  parentPort?.postMessage(checker ? await tryChecker(checker, history, budget, share) : null);
}

/** One that the workload brings along. */
async function ownOf(workloadName: string | null, name: string): Promise<Checker | undefined> {
  if (workloadName === null) return undefined;
  const workloads = Object.values(await import('../workloads/index.ts')) as readonly object[] as readonly Workload[];
  return workloads.find((member) => member.name === workloadName)?.checkers.find((checker) => checker.name === name);
}

async function registered(name: string): Promise<Checker | undefined> {
  const [, model] = /^linearizable\((.*)\)$/.exec(name) ?? [];
  return (await (model === undefined ? judgeNamed(name, 'checker') : judgeNamed(model, 'model')))?.checker;
}
