/** What each checker said, with its statistics; and, for a run that is not a pass, why. */

import type { Guarantee, Json, RunVerdict, Validity, Verdict } from '../../rig/contract.ts';
import { counted, grouped, plain, sentence, shown } from '../phrases.ts';
import { type Markup, markup } from './markup.ts';

const SYMBOLS: Readonly<Record<Validity, readonly [symbol: string, tone: string]>> = {
  valid: ['✓', 'good'],
  unknown: ['?', 'unsure'],
  invalid: ['✗', 'bad'],
};

export function checks(verdict: RunVerdict): Markup {
  return markup`
<section id="checks" aria-labelledby="checks-title">
  <h2 id="checks-title">How it was judged</h2>
  ${judgements(verdict.verdicts)}
  ${countsTable(verdict)}
  <p class="muted">Exit code ${verdict.exit.code}: ${plain(verdict.exit.reason, 300)}</p>
</section>`;
}

/** What each of them said. */
export const judgements = (verdicts: readonly Verdict[]): Markup =>
  verdicts.length === 0
    ? markup`<p class="note">Nothing was judged.</p>`
    : markup`${verdicts.map((one) => check(one))}`;

function check(one: Verdict): Markup {
  const [symbol, tone] = SYMBOLS[one.validity];
  const rows = statisticsRows(one.statistics);
  const statistics =
    rows.length > 0 &&
    markup`<details><summary>Statistics</summary><dl class="pairs">${rows.map(
      ([name, value]) => markup`<div><dt>${name}</dt><dd>${value}</dd></div>`,
    )}</dl></details>`;
  return markup`
<article class="check">
  <h3><span class="chip ${tone}"><span aria-hidden="true">${symbol}</span> ${one.validity}</span> ${plain(one.checker, 80)}</h3>
  <p>${sentence(one.summary, 800)}${one.anomalies.length > 0 && markup` <span class="muted">${counted(one.anomalies.length, 'anomaly', 'anomalies')}.</span>`}</p>
  ${guaranteesTable(one.guarantees ?? [])}
  ${statistics}
</article>`;
}

const SAID: Readonly<Record<Validity, string>> = { valid: 'kept', unknown: 'not judged', invalid: 'broken' };

function guaranteesTable(guarantees: readonly Guarantee[]): Markup | null {
  if (guarantees.length === 0) return null;
  const rows = guarantees.slice(0, 60).map(({ name, validity, cases, reason }) => {
    const [symbol, tone] = SYMBOLS[validity];
    return markup`<tr><th scope="row">${plain(name, 80)}</th>
      <td class="words"><span class="chip ${tone}"><span aria-hidden="true">${symbol}</span> ${SAID[validity]}</span></td>
      <td>${grouped(cases)}</td><td class="words">${plain(reason ?? '', 200)}</td></tr>`;
  });
  return markup`
<table class="numbers">
  <caption>Each guarantee by itself</caption>
  <thead><tr><th scope="col">Guarantee</th><th scope="col" class="words">Verdict</th><th scope="col">Cases</th><th scope="col" class="words">Why</th></tr></thead>
  <tbody>${rows}</tbody>
</table>`;
}

/** Nested statistics as flat names, `read.ok`; at most 60 of them. */
function statisticsRows(statistics: Json): readonly (readonly [string, string])[] {
  const rows: (readonly [string, string])[] = [];
  const walk = (name: string, value: Json, depth: number): void => {
    if (rows.length >= 60) return;
    if (typeof value === 'object' && value !== null && !Array.isArray(value) && depth < 3) {
      for (const [inner, item] of Object.entries(value))
        walk(name === '' ? inner : `${name} · ${inner}`, item, depth + 1);
      return;
    }
    if (name === '' && value === null) return;
    const text = typeof value === 'number' && Number.isInteger(value) ? grouped(value) : shown(value, 200);
    rows.push([name === '' ? 'value' : plain(name, 80), text]);
  };
  walk('', statistics, 0);
  return rows;
}

function countsTable({ counts }: RunVerdict): Markup | null {
  const functions = Object.entries(counts).slice(0, 40);
  if (functions.length === 0) return null;
  const rows = functions.map(
    ([f, { ok, fail, info }]) => markup`<tr><th scope="row">${plain(f, 60)}</th>
      <td>${grouped(ok)}</td><td>${grouped(fail)}</td><td>${grouped(info)}</td></tr>`,
  );
  return markup`
<table class="numbers">
  <caption>Operations by function and outcome</caption>
  <thead><tr><th scope="col">Function</th><th scope="col">ok</th><th scope="col">failed</th><th scope="col">unknown</th></tr></thead>
  <tbody>${rows}</tbody>
</table>`;
}
