/** The end of the page: the command that runs the same again, where it ran, what to be wary of, and the raw files. */

import type { RunHeader, RunRecord } from '../../rig/contract.ts';
import { counted, plain, shown } from '../phrases.ts';
import { type Markup, markup } from './markup.ts';

export function runAgain(header: RunHeader): Markup {
  return markup`
<section id="again" aria-labelledby="again-title">
  <h2 id="again-title">Run it again</h2>
  <p>The same seed asks for the same requests and injects the same faults; a real system may still take its own turn.</p>
  <div class="command"><pre id="command" tabindex="0"><code>${plain(header.command, 4000)}</code></pre>
  <button type="button" class="scripted" id="copy-command" data-copies="command">Copy</button></div>
</section>`;
}

export function environment(header: RunHeader): Markup {
  const facts = Object.entries(header.environment).slice(0, 80);
  const spec = Object.entries(header.spec);
  return markup`
<section id="environment" aria-labelledby="environment-title">
  <h2 id="environment-title">Environment</h2>
  <dl class="pairs">${facts.map(([name, value]) => pair(name, plain(value, 400)))}</dl>
  <details><summary>Everything that decided this run</summary>
  <dl class="pairs">${spec.map(([name, value]) => pair(name, shown(value, 400)))}</dl></details>
</section>`;
}

const pair = (name: string, value: string): Markup => markup`<div><dt>${plain(name, 80)}</dt><dd>${value}</dd></div>`;

/** What was wrong with the history itself; nothing when nothing was. */
export function warnings({ verdict }: RunRecord): Markup | null {
  if (verdict.warnings.length === 0) return null;
  const more = verdict.warnings.length - 20;
  return markup`
<section id="warnings" aria-labelledby="warnings-title">
  <h2 id="warnings-title">Warnings</h2>
  <ul>${verdict.warnings.slice(0, 20).map((warning) => markup`<li>${plain(warning, 400)}</li>`)}</ul>
  ${more > 0 && markup`<p class="muted">… and ${counted(more, 'more warning')}, in verdict.json.</p>`}
</section>`;
}

const FILES: readonly (readonly [string, string])[] = [
  ['spec.json', 'what was asked for, and where it ran'],
  ['history.jsonl', 'every request, answer, fault and phase, a line each, as it happened'],
  ['verdict.json', 'everything on this page that was judged; ordeal schema verdict prints its schema'],
  ['nodes/', 'the logs of every node'],
];

export function files(run: RunRecord): Markup {
  return markup`
<section id="files" aria-labelledby="files-title">
  <h2 id="files-title">Files</h2>
  <p>Beside this page, in <code>${plain(run.directory, 400)}</code></p>
  <dl class="pairs">${FILES.map(([name, what]) => markup`<div><dt><a href="${name}">${name}</a></dt><dd>${what}</dd></div>`)}</dl>
</section>`;
}
