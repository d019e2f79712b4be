/**
 * A thread that judges one history by checkers, found by their names, and sends back what each came to. It knows the
 * checkers itself, without the registry: to load all the other rooms would take longer than most judgements.
 */

import { parentPort, workerData } from 'node:worker_threads';
import * as checkerRoom from '../checkers/index.ts';
import { linearizable } from '../checkers/linearizable.ts';
import { models } from '../checkers/models/index.ts';
import * as workloadRoom from '../workloads/index.ts';
import { type Question, type Trial, tryChecker } from './apply-checkers.ts';
import { budgetOf } from './budget.ts';
import type { Checker, Model, Workload } from './contract.ts';
import { History } from './history.ts';

const { parts, timeoutMs, workload } = workerData as Trial;
const history = new History(parts);

parentPort?.on('message', (question: Question) => void answer(question));

async function answer({ name, share }: Question): Promise<void> {
  const checker = checkerNamed(name);
  const budget = budgetOf(timeoutMs, (progress) => parentPort?.postMessage({ progress }));
  parentPort?.postMessage(checker ? await tryChecker(checker, history, budget, share) : null);
}

/** The workload's own, one that is registered or has options in its name, or linearizability by a model. */
function checkerNamed(name: string): Checker | undefined {
  const workloads = Object.values(workloadRoom) as readonly object[] as readonly Workload[];
  const own = workloads.find((member) => member.name === workload)?.checkers ?? [];
  const registered = Object.values(checkerRoom) as readonly object[] as readonly Checker[];
  const known = [...own, ...registered].find((member) => 'check' in member && member.name === name);
  if (known) return known;
  const withOptions = checkerRoom.isolationBy(name);
  if (withOptions) return withOptions;
  const byModel = (Object.values(models) as readonly object[] as readonly Model[]).find(
    (model) => name === `linearizable(${model.name})`,
  );
  return byModel && (linearizable(byModel) as Checker);
}
