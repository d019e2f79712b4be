/** What was broken: each fault as a sentence, when, the proof that it bit and that it was undone, and how soon all was well. */

import type { FaultRecord, Phase, RunRecord } from '../../rig/contract.ts';
import type { History } from '../../rig/history.ts';
import { counted, duration, grouped, plain } from '../phrases.ts';
import { type Markup, markup } from './markup.ts';

const ROW_LIMIT = 100;

export function faultsTable({ verdict, history }: RunRecord): Markup {
  const { faults } = verdict;
  const underLoad = functionsUnderLoad(history);
  const body =
    faults.length === 0
      ? markup`<p class="note">No fault was injected in this run.</p>`
      : markup`<p>${counted(faults.length, 'fault')}, numbered as in the charts and the timeline below.</p>
<table class="faults">
  <thead><tr><th scope="col">Fault</th><th scope="col">When</th><th scope="col">Did it have an effect?</th>
  <th scope="col">Was it undone?</th><th scope="col">Next success after it</th></tr></thead>
  <tbody>${faults.slice(0, ROW_LIMIT).map((fault, at) => row(fault, at, underLoad))}</tbody>
</table>
${faults.length > ROW_LIMIT && markup`<p class="muted">… and ${grouped(faults.length - ROW_LIMIT)} more, in verdict.json.</p>`}`;
  return markup`
<section id="faults" aria-labelledby="faults-title">
  <h2 id="faults-title">What was broken</h2>
  ${body}
</section>`;
}

function row(fault: FaultRecord, at: number, underLoad: ReadonlySet<string>): Markup {
  const number = at + 1;
  return markup`<tr>
  <th scope="row"><span class="fault-number">${number}</span> <span>${plain(fault.sentence, 240)}
    <span class="muted nemesis">${plain(fault.nemesis, 40)}</span></span></th>
  <td data-label="When">${when(fault)}
    <button type="button" class="scripted small" data-zoom-fault="${at}">Zoom<span class="unseen"> to fault ${number}</span></button></td>
  <td data-label="Effect">${effect(fault)}</td>
  <td data-label="Undone">${undone(fault)}</td>
  <td data-label="Next success">${recovery(fault, underLoad)}</td>
</tr>`;
}

function when(fault: FaultRecord): Markup {
  const from = fault.injectedNs ?? fault.injectNs;
  const until = fault.releasedNs;
  if (until === null) return markup`<span class="nowrap">from ${seconds(from)} s on</span>`;
  return markup`<span class="nowrap">${seconds(from)} – ${seconds(until)} s</span> <span class="muted nowrap">for ${duration((until - from) / 1e6)}</span>`;
}

const seconds = (timeNs: number): string => (timeNs / 1e9).toFixed(1);

const mark = (tone: 'good' | 'bad' | 'unsure', symbol: string, word: string, text: string): Markup =>
  markup`<span class="mark ${tone}"><span aria-hidden="true">${symbol}</span> ${word}</span> ${text}`;

function effect({ evidence, injectedNs }: FaultRecord): Markup {
  if (injectedNs === null) return mark('unsure', '?', 'not injected', '');
  if (evidence === null) return mark('unsure', '?', 'not observed', '');
  const observed = plain(evidence.observed, 240);
  return evidence.effective ? mark('good', '✓', 'yes', observed) : mark('unsure', '?', 'none seen', observed);
}

function undone({ stuck, releasedNs }: FaultRecord): Markup {
  if (stuck !== null) return mark('bad', '✗', 'no', plain(stuck, 240));
  if (releasedNs === null) return mark('bad', '✗', 'not recorded', '');
  return markup`<span class="nowrap">${mark('good', '✓', 'yes', `at ${seconds(releasedNs)} s`)}</span>`;
}

/** What is asked only before or after the load says nothing about recovery: it was not asked in between. */
function functionsUnderLoad(history: History): ReadonlySet<string> {
  const starts = (phase: Phase) => history.phases.find((event) => event.phase === phase)?.timeNs;
  const [from, to] = [starts('load') ?? 0, starts('heal') ?? Infinity];
  const seen = new Set<number>();
  for (let at = 0; at < history.length; at++) {
    const time = history.invokedNs[at] as number;
    if (from <= time && time < to) seen.add(history.f[at] as number);
  }
  return new Set([...seen].map((f) => history.functions[f] as string));
}

function recovery({ recoveryMs }: FaultRecord, underLoad: ReadonlySet<string>): Markup {
  const times = Object.entries(recoveryMs)
    .filter(([f]) => underLoad.has(f))
    .slice(0, 8);
  if (times.length === 0) return markup`<span class="muted">nothing recorded</span>`;
  return markup`<ul class="plain-list">${times.map(
    ([f, ms]) =>
      markup`<li>${plain(f, 40)} ${ms === null ? mark('unsure', '?', 'none came', '') : markup`<span class="nowrap">${duration(ms)}</span>`}</li>`,
  )}</ul>`;
}
