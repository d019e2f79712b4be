/**
 * The zoomable timeline: the operations as columns, compressed into the page, and the controls that its script brings to
 * life. A history too large for the page is cut down to what lies around findings and fault edges, and the page says so.
 */

import { gzipSync } from 'node:zlib';
import type { RunRecord } from '../../rig/contract.ts';
import type { History } from '../../rig/history.ts';
import { answered, asked, atSeconds, counted, duration, grouped, plain, shown, subjectOf } from '../phrases.ts';
import { jsonBlock, type Markup, markup } from './markup.ts';
import { faultSpans } from './series.ts';

/** Characters of base64: what keeps the whole page below 2 MB. */
const SIZE_LIMIT = 1_780_000;
const OPERATION_LIMIT = 200_000;

/** What the page's script reads; columns have one entry for each operation, times in whole microseconds. */
export interface EmbeddedOperations {
  readonly functions: readonly string[];
  readonly nodes: readonly string[];
  readonly errors: readonly string[];
  readonly keys: readonly string[];
  readonly texts: readonly string[];
  /** Differences from the operation before. */
  readonly index: readonly number[];
  readonly invoked: readonly number[];
  /** From when it was due to when it was sent. */
  readonly late: readonly number[];
  /** −1: the client never heard, nor gave up. */
  readonly took: readonly number[];
  readonly process: readonly number[];
  readonly type: readonly number[];
  /** Positions in the lists above; −1 for no key. */
  readonly f: readonly number[];
  readonly node: readonly number[];
  readonly error: readonly number[];
  readonly key: readonly number[];
  readonly ask: readonly number[];
  readonly answer: readonly number[];
}

/** What of a run is drawn here. */
interface Recorded {
  readonly history: History;
  readonly verdict: Pick<RunRecord['verdict'], 'faults'>;
}

interface Selection {
  readonly positions: readonly number[];
  /** Stretches of time, in seconds, of which operations were left out. */
  readonly gaps: readonly (readonly [from: number, to: number])[];
}

export function timeline(run: Recorded, witnesses: readonly number[]): Markup | null {
  const { history } = run;
  if (history.length === 0)
    return markup`<section id="timeline"><h2>Every operation</h2><p class="note">No operation was recorded.</p></section>`;
  const { selection, packed } = fitted(run, witnesses);
  const facts = {
    end: history.lastNs / 1e9,
    witnesses: [...new Set(witnesses)],
    gaps: selection.gaps,
    faults: faultSpans(run.verdict.faults, history).map((span, at) => ({
      ...span,
      nemesis: plain(span.nemesis, 40),
      sentence: plain(run.verdict.faults[at]?.sentence ?? '', 240),
    })),
  };
  return markup`
<section id="timeline" aria-labelledby="timeline-title">
  <h2 id="timeline-title">Every operation</h2>
  ${selection.positions.length < history.length && leftOut(selection.positions.length, history.length)}
  <noscript><p class="note">The timeline that zooms and filters needs scripts. Every operation is in <code>history.jsonl</code>.</p></noscript>
  ${witnessTable(history, facts.witnesses)}
  <div class="scripted">${filters(history)}${stage()}</div>
  <script type="application/json" id="facts">${jsonBlock(facts)}</script>
  <script type="application/octet-stream" id="operations">${packed}</script>
</section>`;
}

const leftOut = (kept: number, all: number): Markup =>
  markup`<p class="note">Drawn here: ${grouped(kept)} of ${counted(all, 'operation')}, those nearest to the findings and to the beginning and end of each fault; the page would be too large otherwise. The rest is in <code>history.jsonl</code>.</p>`;

/** As many operations as fit. Compressed size grows with their number, so a few tries come close. */
function fitted(run: Recorded, witnesses: readonly number[]): { selection: Selection; packed: string } {
  const { history } = run;
  let limit = Math.min(history.length, OPERATION_LIMIT);
  for (;;) {
    const selection = select(run, witnesses, limit);
    const packed = gzipSync(JSON.stringify(embedded(history, selection.positions))).toString('base64');
    if (packed.length <= SIZE_LIMIT || limit <= 100) return { selection, packed };
    limit = Math.floor(limit * Math.min(0.9, (SIZE_LIMIT / packed.length) * 0.95));
  }
}

/** The `limit` operations nearest in time to a finding or a fault edge, and the stretches that this leaves empty. */
function select(run: Recorded, witnesses: readonly number[], limit: number): Selection {
  const { history } = run;
  if (limit >= history.length) return { positions: Array.from({ length: history.length }, (_, at) => at), gaps: [] };
  const points = pointsOfInterest(run, witnesses);
  const distances = new Float64Array(history.length);
  let next = 0;
  for (let at = 0; at < history.length; at++) {
    const time = (history.invokedNs[at] as number) / 1e9;
    while (next < points.length - 1 && (points[next] as number) < time) next++;
    const before = next > 0 ? Math.abs(time - (points[next - 1] as number)) : Infinity;
    distances[at] = Math.min(before, Math.abs((points[next] as number) - time));
  }
  const reach = distances.slice().sort()[limit - 1] as number;
  const positions: number[] = [];
  for (let at = 0; at < history.length; at++)
    if ((distances[at] as number) <= reach && positions.length < limit) positions.push(at);
  return { positions, gaps: gapsBetween(points, reach, history.lastNs / 1e9) };
}

function pointsOfInterest(run: Recorded, witnesses: readonly number[]): number[] {
  const { history, verdict } = run;
  const found = witnesses.map((index) => (history.invokedNs[history.at(index)] ?? 0) / 1e9);
  const edges = faultSpans(verdict.faults, history).flatMap(({ from, to }) => [from, to]);
  const points = [...found, ...edges].sort((a, b) => a - b);
  return points.length > 0 ? points : [0];
}

function gapsBetween(points: readonly number[], reach: number, end: number): (readonly [number, number])[] {
  const gaps: (readonly [number, number])[] = [];
  let covered = 0;
  for (const point of points) {
    if (point - reach > covered) gaps.push([covered, point - reach]);
    covered = Math.max(covered, point + reach);
  }
  if (covered < end) gaps.push([covered, end]);
  return gaps;
}

function embedded(history: History, positions: readonly number[]): EmbeddedOperations {
  const keys = new Numbering();
  const texts = new Numbering();
  const micros = (timeNs: number): number => Math.round(timeNs / 1000);
  const column = (value: (at: number) => number): number[] => positions.map(value);
  const differences = (values: readonly number[]): number[] => values.map((value, i) => value - (values[i - 1] ?? 0));
  return {
    functions: history.functions.map((name) => plain(name, 60)),
    nodes: history.nodes.map((name) => plain(name, 60)),
    errors: history.errors.map((name) => plain(name, 80)),
    index: differences(column((at) => history.invokeIndex[at] as number)),
    invoked: differences(column((at) => micros(history.invokedNs[at] as number))),
    late: column((at) => micros(history.lateNs[at] as number)),
    took: column((at) => {
      const ended = history.endedNs(at);
      return Number.isNaN(ended) ? -1 : Math.max(0, micros(ended - (history.invokedNs[at] as number)));
    }),
    process: column((at) => history.process[at] as number),
    type: column((at) => history.type[at] as number),
    f: column((at) => history.f[at] as number),
    node: column((at) => history.node[at] as number),
    error: column((at) => history.error[at] as number),
    key: column((at) => {
      const subject = subjectOf(history.input(at));
      return subject === undefined ? -1 : keys.of(plain(subject, 60));
    }),
    ask: column((at) => texts.of(asked(history.input(at), { subject: false }))),
    answer: column((at) => texts.of(answerText(history, at))),
    keys: keys.names,
    texts: texts.names,
  };
}

function answerText(history: History, at: number): string {
  const completion = history.completion(at);
  if (completion.type === 'ok') return answered(history.input(at), completion);
  return completion.detail === undefined ? '' : plain(completion.detail, 120);
}

class Numbering {
  readonly names: string[] = [];
  readonly #numbers = new Map<string, number>();

  of(name: string): number {
    let number = this.#numbers.get(name);
    if (number === undefined) {
      number = this.names.push(name) - 1;
      this.#numbers.set(name, number);
    }
    return number;
  }
}

/** What a page without scripts has in place of the timeline. */
function witnessTable(history: History, witnesses: readonly number[]): Markup | null {
  const positions = witnesses.map((index) => history.at(index)).filter((at) => at >= 0);
  if (positions.length === 0) return null;
  const rows = positions
    .sort((a, b) => a - b)
    .slice(0, 60)
    .map((at) => {
      const { index, process, node, input, completion, invokedNs } = history.operation(at);
      const took = (history.endedNs(at) - invokedNs) / 1e6;
      return markup`<tr><th scope="row">#${index}</th><td>${atSeconds(invokedNs)}</td><td>${Number.isNaN(took) ? 'no answer' : duration(took)}</td>
<td>p${process}</td><td>${plain(node, 40)}</td><td>${asked(input)}</td><td>${answered(input, completion)}</td></tr>`;
    });
  return markup`<noscript><div class="wide"><table><caption>The operations that show what went wrong</caption>
<thead><tr><th scope="col">Operation</th><th scope="col">Sent at</th><th scope="col">Took</th><th scope="col">Process</th><th scope="col">Node</th><th scope="col">Asked</th><th scope="col">Answered</th></tr></thead>
<tbody>${rows}</tbody></table></div></noscript>`;
}

/** The classes of error that some operation ended with, at most 60. */
const errorsSeen = (history: History): string[] => {
  const seen = [...new Set(history.error)].filter((number) => number > 0).slice(0, 60);
  return seen.map((number) => plain(history.errors[number] as string, 80));
};

const option = (value: string): Markup => markup`<option value="${value}">${shown(value, 60)}</option>`;

function filters(history: History): Markup {
  const functions = history.functions.slice(0, 30).map((name) => plain(name, 60));
  return markup`
<form id="filters" class="filters" autocomplete="off">
  <fieldset><legend>Function</legend>${functions.map(
    (name) => markup`<label class="tick"><input type="checkbox" name="f" value="${name}" checked> ${name}</label>`,
  )}</fieldset>
  <fieldset><legend>Outcome</legend>
    <label class="tick ok"><input type="checkbox" name="type" value="ok" checked> <i class="swatch"></i> ok</label>
    <label class="tick fail"><input type="checkbox" name="type" value="fail" checked> <i class="swatch"></i> failed</label>
    <label class="tick info"><input type="checkbox" name="type" value="info" checked> <i class="swatch"></i> unknown</label></fieldset>
  <label class="tick" id="only-label"><input type="checkbox" name="only"> only the counterexample</label>
  <div class="fields">
  <label>Key <input type="text" name="key" list="keys" size="9" placeholder="any"></label><datalist id="keys"></datalist>
  <label>Node <select name="node"><option value="">any</option>${history.nodes.slice(0, 60).map((name) => option(plain(name, 60)))}</select></label>
  <label>Process <input type="text" name="process" inputmode="numeric" size="4" placeholder="any"></label>
  <label>Error <select name="error"><option value="">any</option>${errorsSeen(history).map(option)}</select></label>
  <label>Text <input type="search" name="q" size="16" placeholder="in request or answer"></label>
  <button type="reset" class="small">Clear filters</button>
  </div>
</form>`;
}

function stage(): Markup {
  return markup`
<div class="toolbar" role="toolbar" aria-label="Time shown">
  <button type="button" class="small" data-move="whole">Whole run</button>
  <button type="button" class="small" data-move="in" aria-label="Zoom in">+</button>
  <button type="button" class="small" data-move="out" aria-label="Zoom out">−</button>
  <button type="button" class="small" data-move="left" aria-label="Earlier">←</button>
  <button type="button" class="small" data-move="right" aria-label="Later">→</button>
  <button type="button" class="small" id="zoom-counterexample">Zoom to counterexample</button>
  <output id="range" class="muted"></output>
  <label class="rows muted">Rows by <select name="rows" form="filters"><option value="process">process</option><option value="node">node</option><option value="key">key</option></select></label>
</div>
<div class="stage" id="stage">
  <canvas id="canvas" tabindex="0" role="img" aria-label="Timeline of operations" aria-describedby="timeline-help"></canvas>
  <div id="selection" hidden></div>
  <div id="tip" hidden></div>
</div>
<p class="muted" id="timeline-help">Drag to zoom to a stretch of time, ctrl + wheel to zoom, click an operation to read it. Keys: ← → move, + − zoom, 0 whole run, n and p next and previous operation, Esc lets go.</p>
<p id="shown" role="status"></p>
<div id="details" aria-live="polite"></div>
<div class="wide listing" tabindex="0" role="group" aria-label="Operations in view"><table id="listing"><caption></caption>
<thead><tr><th scope="col">Operation</th><th scope="col">Sent at</th><th scope="col">Took</th><th scope="col">Process</th><th scope="col">Node</th><th scope="col">Key</th><th scope="col">Asked</th><th scope="col">Answered</th></tr></thead>
<tbody></tbody></table></div>`;
}
