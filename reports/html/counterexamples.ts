/** The first thing on the page of an invalid run: each anomaly as a picture, numbered sentences, and what was recorded. */

import type { Json, Verdict } from '../../rig/contract.ts';
import { atSeconds, counted, duration, firstSentence, nodeOf, plain, sentence, shown, told } from '../phrases.ts';
import type { Scene, SceneStep } from '../scene.ts';
import { type Markup, markup } from './markup.ts';
import { timeBoxes } from './time-boxes.ts';

/** `null` when there is no anomaly to show. */
export function counterexamples(verdicts: readonly Verdict[], scenes: readonly Scene[]): Markup | null {
  if (scenes.length === 0) return null;
  const total = verdicts.reduce((sum, verdict) => sum + verdict.anomalies.length, 0);
  const [first, ...others] = scenes;
  return markup`
<section id="counterexample" aria-labelledby="counterexample-title">
  <h2 id="counterexample-title">What went wrong</h2>
  ${first && anomaly(first, 0)}
  ${
    others.length > 0 &&
    markup`<details class="others"><summary>${counted(total - 1, 'more anomaly', 'more anomalies')}</summary>
  ${others.map((scene, at) => anomaly(scene, at + 1))}
  ${total > scenes.length && markup`<p class="muted">… and ${counted(total - scenes.length, 'more')}, in verdict.json.</p>`}</details>`
  }
</section>`;
}

function anomaly(scene: Scene, at: number): Markup {
  const { anomaly: found, steps } = scene;
  return markup`
<article class="anomaly" aria-labelledby="anomaly-${at}">
  <h3 id="anomaly-${at}"><span class="anomaly-name">${plain(found.name, 80)}</span>${scene.subject !== null && markup` <span>on ${plain(scene.subject, 80)}</span>`}
    <span class="muted">found by ${plain(scene.checker, 60)}</span></h3>
  <p class="explanation">${sentence(scene.edges.length > 0 ? firstSentence(found.explanation) : found.explanation, 1200)}</p>
  ${steps.length > 0 && timeBoxes(scene, `anomaly-${at}`)}
  ${steps.length > 0 && scene.edges.length === 0 && (scene.ordered ? legalOrder(steps) : story(steps))}
  ${scene.edges.length > 0 && cycle(scene)}
  ${scene.omitted > 0 && markup`<p class="muted">${counted(scene.omitted, 'more operation')} of this anomaly not drawn, in verdict.json.</p>`}
  ${scene.edges.length === 0 && recorded(found.detail)}
  ${steps.length > 0 && markup`<p class="scripted actions"><button type="button" data-zoom-ops="${steps.map((s) => s.operation.index).join(' ')}">Show in the timeline</button></p>`}
</article>`;
}

/** The legal order as far as it goes, then what cannot follow it, then what was merely in the air. */
function legalOrder(steps: readonly SceneStep[]): Markup {
  const placed = steps.filter((step) => step.place).sort((a, b) => (a.place?.number ?? 0) - (b.place?.number ?? 0));
  const impossible = steps.filter((step) => step.impossible !== undefined);
  const rest = steps.filter((step) => !step.place && step.impossible === undefined);
  return markup`
<ol class="steps">
  ${placed.map((step) => markup`<li>${stepWords(step)} <span class="state">then ${plain(step.place?.state ?? '', 200)}</span></li>`)}
</ol>
<ul class="steps">
  ${impossible.map((step) => impossibleItem(step, 'impossible next'))}
  ${rest.map((step) => markup`<li class="aside"><span class="muted">not in this order</span> ${stepWords(step)}</li>`)}
</ul>`;
}

/** Who is who, then why each must come before the next. */
const cycle = ({ steps, edges }: Scene): Markup => markup`
<ul class="steps">${steps.map((step) => markup`<li><strong>${step.label ?? ''}</strong> ${stepWords(step)}</li>`)}</ul>
<ol class="steps">${edges.map((edge, at) =>
  at === edges.length - 1
    ? markup`<li class="impossible"><strong class="reason">${plain(edge, 600)}</strong></li>`
    : markup`<li>${plain(edge, 600)}</li>`,
)}</ol>`;

/** Without a model's order: what was asked and answered, one after the other. */
const story = (steps: readonly SceneStep[]): Markup =>
  markup`<ol class="steps">${steps.map((step) =>
    step.impossible === undefined ? markup`<li>${stepWords(step)}</li>` : impossibleItem(step, 'cannot be'),
  )}</ol>`;

const impossibleItem = (step: SceneStep, tag: string): Markup =>
  markup`<li class="impossible"><span class="mark bad"><span aria-hidden="true">✗</span> ${tag}</span> ${stepWords(step)} <strong class="reason">${sentence(step.impossible ?? '', 400)}</strong></li>`;

function stepWords({ operation, endNs }: SceneStep): Markup {
  const { input, completion } = operation;
  const detail = completion.type !== 'ok' && completion.detail !== undefined && ` (${plain(completion.detail, 200)})`;
  const on = nodeOf(operation) === '' ? '' : ` on ${nodeOf(operation)}`;
  // In a history without times, nothing took any.
  const isTimed = endNs - operation.invokedNs >= 1_000;
  const at = isTimed && `, at ${atSeconds(operation.invokedNs)} for ${duration((endNs - operation.invokedNs) / 1e6)}`;
  return markup`<span class="step"><code>${told(input, completion)}</code>${detail}</span>
  <span class="muted">process ${operation.process}${on}${at}, <a href="#op=${operation.index}">#${operation.index}</a></span>`;
}

/** What a checker adds to an anomaly, such as the effects that the system itself lists for one key. */
function recorded(detail: Json | undefined): Markup | null {
  if (detail === undefined || detail === null) return null;
  if (typeof detail !== 'object' || Array.isArray(detail))
    return markup`<div class="recorded"><h4>What was recorded</h4>${value(detail)}</div>`;
  const fields = Object.entries(detail).slice(0, 12);
  return markup`<div class="recorded"><h4>What was recorded</h4><dl class="pairs">${fields.map(
    ([name, item]) => markup`<div><dt>${plain(name, 60)}</dt><dd>${value(item)}</dd></div>`,
  )}</dl></div>`;
}

/** A list of like objects as a table, anything else in a line. */
function value(json: Json): Markup {
  if (!Array.isArray(json) || json.length === 0 || !json.every(isRecord)) return markup`${shown(json, 300)}`;
  const rows: readonly Readonly<Record<string, Json>>[] = json.slice(0, 12);
  const columns = [...new Set(rows.flatMap((row) => Object.keys(row)))].slice(0, 8);
  return markup`<div class="wide"><table><thead><tr>${columns.map((name) => markup`<th scope="col">${plain(name, 40)}</th>`)}</tr></thead>
<tbody>${rows.map((row) => markup`<tr>${columns.map((name) => markup`<td>${name in row ? shown(row[name], 80) : ''}</td>`)}</tr>`)}</tbody></table></div>
${json.length > rows.length && markup`<p class="muted">… and ${json.length - rows.length} more.</p>`}`;
}

const isRecord = (json: Json): json is Readonly<Record<string, Json>> =>
  typeof json === 'object' && json !== null && !Array.isArray(json);
