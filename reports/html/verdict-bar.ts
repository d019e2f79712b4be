/** The head of the page: the verdict as word, symbol and colour, one sentence, and the run in a line of facts. */

import type { RunRecord } from '../../rig/contract.ts';
import { COPY_THESE } from '../../rig/left-behind.ts';
import { doubtsOf, leftBehind, type Outcome } from '../outcome.ts';
import { counted, duration, grouped, plain, sentence } from '../phrases.ts';
import { type Markup, markup } from './markup.ts';

export function verdictBar(run: RunRecord, outcome: Outcome): Markup {
  const { header, verdict } = run;
  const { spec } = header;
  const variant = spec.variant === null ? '' : `:${spec.variant}`;
  const counts = Object.values(verdict.counts);
  const started = plain(header.startedAt.replace('T', ' ').replace(/:\d+\.\d+Z$/, ' UTC'), 40);
  const total = (type: 'ok' | 'fail' | 'info') => counts.reduce((sum, count) => sum + count[type], 0);
  const [ok, fail, info] = [total('ok'), total('fail'), total('info')];
  const facts: readonly (readonly [string, string])[] = [
    ['System', `${plain(spec.cluster, 60)}${plain(variant, 60)}, ${counted(spec.nodeCount, 'node')} on ${spec.host}`],
    ['Workload', plain(spec.workload, 60)],
    [
      'Operations',
      `${grouped(ok + fail + info)}: ${grouped(ok)} ok, ${grouped(fail)} failed, ${grouped(info)} unknown`,
    ],
    ['Faults', verdict.faults.length === 0 ? 'none' : grouped(verdict.faults.length)],
    ['Duration', duration(verdict.durationMs)],
    ['Seed', String(spec.seed)],
  ];
  return markup`
<header class="verdict ${outcome.tone}">
  <p class="run"><span class="brand">Ordeal</span> ${plain(spec.name, 80)} <span class="muted">run ${plain(header.id, 60)}, ${started}</span></p>
  <h1><span class="symbol" aria-hidden="true">${outcome.symbol}</span> <span class="word">${outcome.word}</span></h1>
  <p class="sentence">${sentence(verdict.summary, 280)}</p>
  <p class="meaning">${outcome.meaning}${ended(run)}</p>
  ${alarm(run)}
  <dl class="facts">${facts.map(([name, value]) => markup`<div><dt>${name}</dt><dd>${value}</dd></div>`)}</dl>
  ${contents(run)}
</header>`;
}

/** Links to the parts of the page that this run has. */
function contents({ verdict, history }: RunRecord): Markup {
  const anomalies = verdict.verdicts.some((one) => one.anomalies.length > 0);
  const parts: readonly (readonly [string, string, boolean])[] = [
    ['counterexample', 'What went wrong', anomalies],
    ['doubts', 'Why it is not a pass', doubtsOf(verdict).length > 0],
    ['faults', 'Faults', true],
    ['charts', 'Over time', history.length > 0],
    ['timeline', 'Every operation', history.length > 0],
    ['checks', 'Judgement', true],
    ['again', 'Run it again', true],
    ['environment', 'Environment', true],
  ];
  return markup`<nav aria-label="On this page">${parts.filter(([, , there]) => there).map(([id, name]) => markup`<a href="#${id}">${name}</a> `)}</nav>`;
}

/** An invalid run that also ended early says so here: its word is taken. */
function ended({ verdict }: RunRecord): string {
  if (verdict.validity !== 'invalid' || verdict.ending === 'complete') return '';
  return ` The run did not end as planned: ${verdict.ending}.`;
}

function alarm({ verdict }: RunRecord): Markup | null {
  const left = leftBehind(verdict);
  if (left === null) return null;
  const { problems, commands } = left;
  return markup`<div class="alarm"><strong>A fault may still be in force, or something was left behind.</strong>
<ul>${problems.slice(0, 12).map((problem) => markup`<li>${plain(problem, 400)}</li>`)}</ul>
${COPY_THESE}
<pre>${commands
    .slice(0, 12)
    .map((command) => plain(command, 600))
    .join('\n')}</pre></div>`;
}
