/** A page on a history that has no run: the verdict, what went wrong, and every operation on a timeline. */

import type { Verdict } from '../../rig/contract.ts';
import { worst } from '../../rig/define.ts';
import type { History } from '../../rig/history.ts';
import { outcomeOf } from '../outcome.ts';
import { counted, plain, sentence } from '../phrases.ts';
import { scenesOf } from '../scene.ts';
import { judgements } from './checks.ts';
import { counterexamples } from './counterexamples.ts';
import { markup } from './markup.ts';
import { browserScript, document, part } from './report.ts';
import { timeline } from './timeline.ts';

/** The whole file as text. `name`: of the history. */
export async function findingsPage(name: string, history: History, verdicts: readonly Verdict[]): Promise<string> {
  const outcome = outcomeOf({ validity: worst(verdicts.map(({ validity }) => validity)), ending: 'complete' });
  const scenes = scenesOf(verdicts, history, 12);
  const witnesses = scenes.flatMap((scene) => scene.steps.map((step) => step.operation.index));
  const judged = markup`
<section id="checks" aria-labelledby="checks-title">
  <h2 id="checks-title">How it was judged</h2>
  ${judgements(verdicts)}
</section>`;
  const sections = await Promise.all([
    part('What went wrong', () => counterexamples(verdicts, scenes)),
    part('How it was judged', () => judged),
    part('Every operation', () => timeline({ history, verdict: { faults: [] } }, witnesses)),
  ]);
  const body = markup`
<a class="skip" href="#content">Skip to the findings</a>
<header class="verdict ${outcome.tone}">
  <p class="run"><span class="brand">Ordeal</span> ${plain(name, 120)} <span class="muted">${counted(history.length, 'operation')}</span></p>
  <h1><span class="symbol" aria-hidden="true">${outcome.symbol}</span> <span class="word">${outcome.word}</span></h1>
  ${verdicts.map(({ summary }) => markup`<p class="sentence">${sentence(summary, 280)}</p>`)}
</header>
<main id="content">${sections}</main>
<footer>Drawn by Ordeal from ${plain(name, 120)}.</footer>`;
  return document(name, outcome, body, await browserScript());
}
