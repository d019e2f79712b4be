/**
 * What every workload and every checker owes the rig, asked of those that are shipped by a test and of a user's own by
 * `ordeal workload test` and `ordeal checker test`. What nemeses owe is in `conformance.ts`.
 */

import { budgetOf } from './budget.ts';
import { type Duty, text } from './conformance.ts';
import type { Budget, Checker, Cluster, Completion, Directed, Input, NodeId, Verdict, Workload } from './contract.ts';
import { defineNemesis, worst } from './define.ts';
import { History } from './history.ts';
import { Random } from './random.ts';
import { type Rehearsal, rehearse } from './rehearsal.ts';
import { refuse, requireJson } from './require-json.ts';

const SEED = 3;
const WORKERS = 4;
const REHEARSAL_MS = 5_000;
const JUDGE_MS = 30_000;
/** Of the answers that a worker is given again. */
const RETRACED = 50;

/** Some trouble for the rehearsal, so that requests fail and get lost as well. */
const trouble = defineNemesis<'processes', { readonly node: NodeId }>({
  name: 'trouble',
  summary: 'Kills one node.',
  controls: ['processes'],
  choose: ({ rng, nodes }) => ({ node: rng.pick(nodes) }),
  inject: ({ node }, { processes }) => processes.kill([node]),
  describe: ({ node }) => `${node} is killed`,
});

const recorded = new WeakMap<Workload, Promise<Rehearsal>>();

/** Five seconds of that workload on a cluster in virtual time whose nodes die now and then; once for each workload. */
function rehearsalOf(workload: Workload, cluster: Cluster): Promise<Rehearsal> {
  const known = recorded.get(workload);
  if (known) return known;
  const changes = { seed: SEED, timeLimitMs: REHEARSAL_MS, workerCount: WORKERS };
  const rehearsal = rehearse({ cluster, workload, nemeses: [trouble] }, changes);
  recorded.set(workload, rehearsal);
  return rehearsal;
}

export const workloadDuties: readonly Duty<Workload>[] = [
  {
    says: 'is not called broken before anything was asked',
    async check({ checkers }) {
      const verdicts = await Promise.all(checkers.map(async (checker) => judged(checker, new History([]))));
      const validity = worst(verdicts.map((verdict) => verdict.validity));
      refuse(validity === 'invalid', 'its checkers call a history in which nothing was asked invalid');
    },
  },
  {
    onCluster: true,
    says: 'says of every function that it asks whether repeating it is safe, and asks every one it speaks of',
    async check(workload, bench) {
      const { history } = await soundRehearsal(workload, bench);
      const [asked, told] = [[...history.functions].sort(), Object.keys(workload.semantics).sort()];
      refuse(
        text(asked) !== text(told),
        `it asks ${asked.join(', ') || 'nothing'}; its semantics tell of ${told.join(', ')}`,
      );
    },
  },
  {
    onCluster: true,
    says: 'asks what follows from the seed and its own answers alone',
    async check(workload, bench) {
      const { history } = await soundRehearsal(workload, bench);
      for (let worker = 0; worker < WORKERS; worker++) {
        const own = [...history.operations()].filter(({ process }) => process % WORKERS === worker);
        const asked = retrace(
          workload,
          worker,
          [...history.nodes].sort(),
          own.map(({ completion }) => completion),
        );
        for (const [at, input] of asked.entries())
          refuse(
            text(own[at]?.input) !== text(input),
            `asked again with the same answers, worker ${worker} asks ${text(input)} and not ${text(own[at]?.input)}: it must take all chance from its own rng`,
          );
      }
    },
  },
  {
    onCluster: true,
    says: 'asks what survives JSON unchanged, and enough of it for a judgement of every function',
    async check(workload, bench) {
      const { history } = await soundRehearsal(workload, bench);
      for (let at = 0; at < history.length; at++) requireJson(history.input(at), `request ${at}`);
      refuse(history.length < WORKERS, `it made only ${history.length} requests in ${REHEARSAL_MS / 1000} s`);
    },
  },
  {
    onCluster: true,
    says: 'is not called broken on a system that keeps its promises',
    async check(workload, bench) {
      const { history } = await soundRehearsal(workload, bench);
      for (const checker of workload.checkers) {
        const { validity, summary } = await judged(checker, history);
        refuse(validity === 'invalid', `checker ${checker.name} calls a correct system invalid: ${summary}`);
      }
    },
  },
];

/** Histories of others are put before a checker too: it may find nothing in them to judge, and must say so. */
export const checkerDutiesWith = (others: readonly Workload[]): readonly Duty<Checker>[] => [
  {
    says: 'does not call an empty history valid',
    async check(checker) {
      const { validity, anomalies } = await judged(checker, new History([]));
      refuse(validity !== 'unknown', `it calls a history in which nothing was asked ${validity}`);
      refuse(anomalies.length > 0, 'it found anomalies where nothing was asked');
    },
  },
  {
    onCluster: true,
    says: 'judges the same history alike, in sentences, with witnesses that are there',
    async check(checker, bench) {
      for (const workload of others) {
        const { history } = await rehearsalOf(workload, bench);
        const verdict = await judged(checker, history);
        requireSound(verdict, history, workload.name);
        refuse(
          text(await judged(checker, history)) !== text(verdict),
          `it judged the same history of ${workload.name} in two ways: it must depend on the history alone`,
        );
      }
    },
  },
  {
    onCluster: true,
    says: 'comes to an end when its budget is used up',
    async check(checker, bench) {
      const spent: Budget = { exhausted: () => true, reason: () => 'no time at all' };
      for (const workload of others) {
        const { history } = await rehearsalOf(workload, bench);
        requireSound(await checker.check(history, spent), history, workload.name);
      }
    },
  },
];

async function soundRehearsal(workload: Workload, bench: Cluster): Promise<Rehearsal> {
  const rehearsal = await rehearsalOf(workload, bench);
  refuse(rehearsal.errors.length > 0, rehearsal.errors.join('; '));
  return rehearsal;
}

const judged = async (checker: Checker, history: History): Promise<Verdict> =>
  checker.check(history, budgetOf(JUDGE_MS));

function requireSound(verdict: Verdict, history: History, of: string): void {
  const { validity, summary, anomalies } = verdict ?? {};
  const where = `its verdict on a history of ${of}`;
  refuse(
    !['valid', 'unknown', 'invalid'].includes(validity),
    `${where} is ${text(validity)}, not valid, unknown or invalid`,
  );
  refuse(
    typeof summary !== 'string' || !/^\S.*\S$/s.test(summary),
    `${where} has ${text(summary)} for a summary, which is no sentence`,
  );
  requireJson(verdict.statistics, `the statistics of ${where}`);
  refuse(
    (validity === 'invalid') !== anomalies.length > 0,
    `${where} is ${validity} with ${anomalies.length} anomalies`,
  );
  for (const { name, explanation, witnesses } of anomalies) {
    refuse(
      typeof explanation !== 'string' || explanation.length < 5,
      `${where}: the anomaly ${name} has no explanation`,
    );
    for (const witness of witnesses)
      refuse(
        history.at(witness) < 0,
        `${where}: the anomaly ${name} names ${witness}, which is no operation; an operation's index is that of its invocation`,
      );
  }
}

/** What the worker's generator asks when it is given these answers, as long as there are any. */
function retrace(
  workload: Workload,
  worker: number,
  nodes: readonly NodeId[],
  answers: readonly Completion[],
): readonly Input[] {
  const rng = new Random(SEED);
  const requests = workload.generator({
    worker,
    workerCount: WORKERS,
    nodes,
    node: nodes[worker % nodes.length] as NodeId,
    rng: rng.fork(`worker ${worker}`),
    shared: rng.fork('shared'),
  });
  const asked: Input[] = [];
  let step = requests.next();
  for (const answer of answers.slice(0, RETRACED)) {
    if (step.done) break;
    asked.push('ask' in step.value ? (step.value as Directed).ask : (step.value as Input));
    step = requests.next(answer);
  }
  return asked;
}
