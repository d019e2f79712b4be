/**
 * Three charts over one time axis: how long answers took, how many came, and which errors. Vega-Lite is compiled and drawn
 * here, to static SVG: nothing to run in the page. Colours are CSS variables, so the page's light and dark modes apply.
 */

import type { TopLevelSpec } from 'vega-lite';
import type { RunRecord } from '../../rig/contract.ts';
import { plain } from '../phrases.ts';
import { Markup, markup } from './markup.ts';
import { type Bucket, bucketsOf, type FaultSpan, faultSpans } from './series.ts';

const WIDTH = 962;
const LEGEND_COLUMNS = 3;

interface Chart {
  readonly id: string;
  readonly title: string;
  /** How to read it, for those who see it and those who hear it. */
  readonly caption: string;
  readonly height: number;
  /** How many entries its legend has. */
  readonly names: number;
  readonly layers: readonly object[];
}

export async function charts(run: RunRecord): Promise<Markup | null> {
  if (run.history.length === 0) return null;
  const spans = faultSpans(run.verdict.faults, run.history);
  const buckets = bucketsOf(run.history, spans);
  const end = run.history.lastNs / 1e9;
  const drawn = [];
  for (const chart of [latencyChart(buckets), rateChart(buckets), errorChart(buckets)])
    drawn.push(await figure(chart, spans, end));
  return markup`
<section id="charts" aria-labelledby="charts-title">
  <h2 id="charts-title">Over time</h2>
  <svg width="0" height="0" class="defs" aria-hidden="true"><defs><pattern id="fault-hatch" width="6" height="6" patternUnits="userSpaceOnUse" patternTransform="rotate(45)">
    <rect width="6" height="6" class="fault-ground"/><rect width="1.2" height="6" class="fault-line"/></pattern></defs></svg>
  <p>Hatched: a fault was in force; its number is that of the table above.${phases(run)}</p>
  ${drawn}
</section>`;
}

/** When each stage began: what else a dip in a line may mean. */
function phases({ history }: RunRecord): string {
  const firsts = history.phases.filter(({ phase }, at) => history.phases[at - 1]?.phase !== phase);
  const started = firsts.map(({ phase, timeNs }) => `${phase} at ${(timeNs / 1e9).toFixed(1)} s`);
  return started.length === 0 ? '' : ` The run went from ${started.slice(0, 12).join(', ')}.`;
}

function latencyChart(buckets: readonly Bucket[]): Chart {
  const names = ['median', '95 %', '99 %'] as const;
  const rows = buckets.flatMap(({ from, to, latency }, at) => {
    const lonely = latency !== null && !buckets[at - 1]?.latency && !buckets[at + 1]?.latency;
    const values = [latency?.p50, latency?.p95, latency?.p99];
    return names.map((name, line) => ({ t: rounded((from + to) / 2), y: rounded(values[line] ?? null), name, lonely }));
  });
  const colour = {
    field: 'name',
    type: 'nominal',
    scale: { domain: [...names], range: ['var(--c-blue)', 'var(--c-orange)', 'var(--c-red)'] },
    title: null,
    legend: { symbolType: 'stroke' },
  };
  const x = { field: 't', type: 'quantitative' };
  const ticks = logarithmicTicks(rows.map((row) => row.y).filter((value) => value !== null));
  const y = {
    field: 'y',
    type: 'quantitative',
    scale: { type: 'log', domain: [ticks[0], ticks.at(-1)] },
    axis: { values: ticks, labelExpr: UNIT },
  };
  return {
    id: 'latency',
    title: 'Time to answer',
    caption: 'From when a request was due to its answer; only requests that ended ok. The scale is logarithmic.',
    height: 190,
    names: names.length,
    layers: [
      {
        data: { values: rows },
        mark: { type: 'line', strokeWidth: 1.8, strokeJoin: 'round' },
        encoding: {
          x,
          y,
          color: colour,
          strokeDash: {
            ...colour,
            scale: {
              domain: [...names],
              range: [
                [1, 0],
                [6, 3],
                [2, 2],
              ],
            },
          },
        },
      },
      {
        data: { values: rows.filter((row) => row.lonely) },
        mark: { type: 'point', filled: true, size: 14 },
        encoding: { x, y, color: { ...colour, legend: null } },
      },
    ],
  };
}

const UNIT =
  "datum.value < 1 ? datum.value * 1000 + ' µs' : datum.value < 1000 ? datum.value + ' ms' : datum.value / 1000 + ' s'";

/** 1, 2, 5, 10, … round all values, or only powers of ten where that would be too many. */
function logarithmicTicks(values: readonly number[]): number[] {
  const [low, high] = [Math.min(...values, 1), Math.max(...values, 1)];
  const factors = high / low > 200 ? [1] : [1, 2, 5];
  const ticks: number[] = [];
  for (let power = Math.floor(Math.log10(low)); power <= Math.ceil(Math.log10(high)); power++)
    for (const factor of factors) ticks.push(Number((factor * 10 ** power).toPrecision(1)));
  const first = ticks.findLastIndex((tick) => tick <= low);
  const last = ticks.findIndex((tick) => tick >= high);
  return ticks.slice(Math.max(0, first), Math.max(first + 2, last + 1));
}

function rateChart(buckets: readonly Bucket[]): Chart {
  const kinds = [
    ['ok', 'ok', 'var(--c-blue)', [1, 0]],
    ['failed', 'fail', 'var(--c-orange)', [6, 3]],
    ['unknown', 'info', 'var(--c-purple)', [2, 2]],
  ] as const;
  const shown = kinds.filter(([, type]) => buckets.some(({ rate }) => rate[type] > 0));
  const last = buckets.at(-1);
  const rows = shown.flatMap(([name, type]) => [
    ...buckets.map(({ from, rate }) => ({ t: rounded(from), y: rounded(rate[type]), name })),
    ...(last ? [{ t: rounded(last.to), y: rounded(last.rate[type]), name }] : []),
  ]);
  const domain = shown.map(([name]) => name);
  const colour = {
    field: 'name',
    type: 'nominal',
    scale: { domain, range: shown.map(([, , colour]) => colour) },
    title: null,
  };
  return {
    id: 'rate',
    title: 'Requests by outcome',
    caption: 'Requests a second, by how they ended, where they were due.',
    height: 150,
    names: shown.length,
    layers: [
      {
        data: { values: rows },
        mark: { type: 'line', interpolate: 'step-after', strokeWidth: 1.6 },
        encoding: {
          x: { field: 't', type: 'quantitative' },
          y: { field: 'y', type: 'quantitative' },
          color: colour,
          strokeDash: { ...colour, scale: { domain, range: shown.map(([, , , dash]) => [...dash]) } },
        },
      },
    ],
  };
}

const ERROR_COLOURS = ['orange', 'purple', 'sky', 'red', 'green', 'yellow', 'grey'].map((name) => `var(--c-${name})`);

function errorChart(buckets: readonly Bucket[]): Chart | null {
  const rows = buckets.flatMap(({ from, to, errors }) =>
    Object.entries(errors).map(([name, y]) => ({
      t: rounded(from),
      u: rounded(to),
      y: rounded(y),
      name: plain(name, 60),
    })),
  );
  if (rows.length === 0) return null;
  const domain = [...new Set(rows.map((row) => row.name))];
  return {
    id: 'errors',
    title: 'Errors by class',
    caption: 'Requests a second that did not end ok, by class of error, one class above the other.',
    height: 110,
    names: domain.length,
    layers: [
      {
        data: { values: rows },
        mark: { type: 'rect', aria: false },
        encoding: {
          x: { field: 't', type: 'quantitative' },
          x2: { field: 'u' },
          y: { field: 'y', type: 'quantitative', stack: 'zero' },
          color: {
            field: 'name',
            type: 'nominal',
            scale: { domain, range: ERROR_COLOURS.slice(0, domain.length) },
            title: null,
          },
        },
      },
    ],
  };
}

const rounded = (value: number | null): number | null => (value === null ? null : Number(value.toPrecision(6)));

/** The chart with its title and caption; a chart that cannot be drawn becomes a sentence. */
async function figure(chart: Chart | null, spans: readonly FaultSpan[], end: number): Promise<Markup> {
  if (chart === null) return markup`<p class="note">No request failed or was left unknown.</p>`;
  let drawing: Markup;
  try {
    drawing = await drawn(chart, spans, end);
  } catch (error) {
    drawing = markup`<p class="note">This chart could not be drawn: ${plain(String(error), 300)}</p>`;
  }
  return markup`
<figure class="chart" id="chart-${chart.id}">
  <h3>${chart.title}</h3>
  <div class="wide" tabindex="0" role="group" aria-label="${chart.title}, chart">${drawing}</div>
  <figcaption>${chart.caption}</figcaption>
</figure>`;
}

async function drawn(chart: Chart, spans: readonly FaultSpan[], end: number): Promise<Markup> {
  // Half a second of loading that only a report needs.
  const [vega, vegaLite] = await Promise.all([import('vega'), import('vega-lite')]);
  const { spec } = vegaLite.compile(specification(chart, spans, end), { logger: SILENT });
  const view = new vega.View(vega.parse(spec), { renderer: 'none', logLevel: vega.None });
  const svg = await view.toSVG();
  view.finalize();
  return new Markup(svg.replace('<svg ', '<svg role="img" ').replace(/ style="[^"]*"/g, ''));
}

const SILENT = {
  level: () => SILENT,
  error: () => SILENT,
  warn: () => SILENT,
  info: () => SILENT,
  debug: () => SILENT,
};

function specification(chart: Chart, spans: readonly FaultSpan[], end: number): TopLevelSpec {
  const time = { domain: [0, end], nice: false };
  const axis = { title: null, tickCount: 12, grid: false, labelExpr: "datum.label + ' s'" };
  const base = { encoding: { x: { type: 'quantitative', scale: time, axis } } };
  const layers = chart.layers.map((layer) => withTime(layer, base.encoding.x));
  return {
    $schema: 'https://vega.github.io/schema/vega-lite/v6.json',
    description: `${chart.title}. ${chart.caption}`,
    width: WIDTH,
    height: chart.height,
    autosize: { type: 'none' },
    padding: { left: 58, right: 12, top: 44 + 18 * Math.ceil(chart.names / LEGEND_COLUMNS), bottom: 24 },
    layer: [...shading(spans, end), ...layers],
    config: CONFIG,
  } as unknown as TopLevelSpec;
}

/** The layer with the shared time axis on its x channel. */
function withTime(layer: object, time: object): object {
  const { encoding } = layer as { encoding: { x: object } };
  return { ...layer, encoding: { ...encoding, x: { ...time, ...encoding.x } } };
}

/** Hatched bands under the lines, and the number of each above the plot where there is room. */
function shading(spans: readonly FaultSpan[], end: number): object[] {
  if (spans.length === 0) return [];
  const rows = spans.slice(0, 100).map(({ from, to, nemesis }, at) => {
    const pixels = ((to - from) / end) * WIDTH;
    const name = `${at + 1} ${plain(nemesis, 20)}`;
    return { t: from, u: to, m: (from + to) / 2, label: pixels > name.length * 6.5 ? name : String(at + 1) };
  });
  // Faults may overlap: their names stand in two rows, and one that fits in neither is left out.
  const taken = [-Infinity, -Infinity];
  const labelled = rows.flatMap((row) => {
    const half = row.label.length * 3.4;
    const middle = (row.m / end) * WIDTH;
    const line = taken.findIndex((last) => middle - half > last + 3);
    if (line >= 0) taken[line] = middle + half;
    return line < 0 ? [] : [{ ...row, line }];
  });
  return [
    {
      data: { values: rows },
      mark: { type: 'rect', fill: 'url(#fault-hatch)', stroke: 'var(--fault-edge)', strokeWidth: 0.6, aria: false },
      encoding: { x: { field: 't', type: 'quantitative' }, x2: { field: 'u' } },
    },
    ...[0, 1].map((line) => ({
      data: { values: labelled.filter((row) => row.line === line) },
      mark: { type: 'text', baseline: 'bottom', fontSize: 11, fill: 'var(--ink-soft)', aria: false },
      encoding: { x: { field: 'm', type: 'quantitative' }, y: { value: -3 - 13 * line }, text: { field: 'label' } },
    })),
  ];
}

const FONT = 'system-ui, sans-serif';
const CONFIG = {
  background: 'transparent',
  font: FONT,
  view: { stroke: null },
  axis: {
    labelFont: FONT,
    titleFont: FONT,
    titleFontWeight: 'normal',
    labelFontSize: 11,
    titleFontSize: 11,
    labelColor: 'var(--ink-soft)',
    titleColor: 'var(--ink-soft)',
    gridColor: 'var(--rule)',
    domainColor: 'var(--rule-strong)',
    tickColor: 'var(--rule-strong)',
    labelLimit: 90,
    tickSize: 4,
  },
  axisY: { domain: false, ticks: false, tickCount: 5, title: null },
  legend: {
    orient: 'top',
    labelFont: FONT,
    labelColor: 'var(--ink)',
    labelFontSize: 12,
    labelLimit: 320,
    symbolSize: 160,
    symbolStrokeWidth: 2.5,
    columnPadding: 22,
    offset: 34,
    columns: LEGEND_COLUMNS,
  },
};
