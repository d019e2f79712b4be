/**
 * A scene as a picture: one lane for each process, one box for each operation, left to right in time. Time is stretched
 * just so far that every label fits in its box; which box begins or ends before which is kept exactly.
 */

import { atSeconds, counted, nodeOf, plain } from '../phrases.ts';
import type { Scene, SceneStep } from '../scene.ts';
import { type Markup, markup } from './markup.ts';

const LANE_HEIGHT = 66;
const BOX_TOP = 16;
const BOX_HEIGHT = 28;
const CHARACTER_WIDTH = 7.25;
const LABEL_LIMIT = 44;
/** Longer than this, the answer stands below the box instead of in it. */
const ONE_LINE = 30;
const MARGIN = 14;
/** What fits beside the names of the lanes without scrolling. */
const COMFORTABLE_WIDTH = 930;

interface Box {
  readonly step: SceneStep;
  readonly lane: number;
  left: number;
  right: number;
  /** Where in the box the model lets it take effect. */
  pointX?: number;
}

/** `id` must be unique in the page. */
export function timeBoxes(scene: Scene, id: string): Markup {
  const processes = [...new Set(scene.steps.map((step) => step.operation.process))].sort((a, b) => a - b);
  const boxes = spread(scene.steps, processes);
  const width = Math.max(320, ...boxes.map((box) => box.right)) + MARGIN;
  const height = processes.length * LANE_HEIGHT + 26;
  const names = processes.map((process) => {
    const nodes = new Set(scene.steps.filter((s) => s.operation.process === process).map((s) => nodeOf(s.operation)));
    return markup`<li><strong>p${process}</strong> <span class="muted">${plain([...nodes].join(', '), 16)}</span></li>`;
  });
  const first = Math.min(...scene.steps.map((step) => step.operation.invokedNs));
  const last = Math.max(...scene.steps.map((step) => step.endNs));
  return markup`
<figure class="boxes">
  <div class="boxes-frame">
    <ul class="lane-names" aria-label="Processes and their nodes">${names}</ul>
    <div class="boxes-scroll" tabindex="0" role="group" aria-label="The operations against time">
      <svg class="time-boxes" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" role="group" aria-label="${described(scene)}">
        <defs><pattern id="${id}-hatch" width="7" height="7" patternUnits="userSpaceOnUse" patternTransform="rotate(45)">
          <rect width="7" height="7" class="hatch-ground"/><rect width="2.5" height="7" class="hatch-line"/></pattern>
          <linearGradient id="${id}-fade"><stop offset="0.55" class="fade-from"/><stop offset="1" class="fade-to"/></linearGradient></defs>
        ${processes.map((_, lane) => markup`<line class="lane" x1="0" x2="${width}" y1="${lane * LANE_HEIGHT + BOX_TOP + BOX_HEIGHT / 2}" y2="${lane * LANE_HEIGHT + BOX_TOP + BOX_HEIGHT / 2}"/>`)}
        ${orderLine(boxes)}
        ${boxes.map((box) => boxMark(box, id, scene.ordered))}
        ${
          last - first >= 1_000 &&
          markup`<text class="axis" x="2" y="${height - 6}">${atSeconds(first)}</text>
        <text class="axis" x="${width - 2}" y="${height - 6}" text-anchor="end">${atSeconds(last)}</text>`
        }
      </svg>
    </div>
  </div>
  <figcaption>Left to right in time, stretched so that the words fit. Boxes that overlap were in the air together.${
    scene.ordered && ' Numbers: the longest legal order.'
  }</figcaption>
</figure>`;
}

function described(scene: Scene): string {
  const impossible = scene.steps.filter((step) => step.impossible !== undefined).length;
  return `${counted(scene.steps.length, 'operation')} as boxes against time${impossible > 0 ? `, ${impossible} of them impossible` : ''}`;
}

/** As airy as fits without scrolling; what does not fit anyway is drawn as tightly as its labels allow. */
function spread(steps: readonly SceneStep[], processes: readonly number[]): readonly Box[] {
  const tries = [4, 2.8, 2, 1.4].map((looseness) => placed(steps, processes, looseness));
  const fitting = tries.find((boxes) => boxes.every(({ right }) => right < COMFORTABLE_WIDTH));
  return fitting ?? placed(steps, processes, 1);
}

/** Walks through all beginnings and ends in order of time, moving right as little as the labels allow. */
function placed(steps: readonly SceneStep[], processes: readonly number[], looseness: number): Box[] {
  const ordered = steps.some((step) => step.place);
  const boxes = steps.map(
    (step): Box => ({ step, lane: processes.indexOf(step.operation.process), left: 0, right: 0 }),
  );
  const edges = boxes.flatMap((box) => [
    { box, opens: true, timeNs: box.step.operation.invokedNs },
    // An answer that never came bounds nothing: its box stays open to the end.
    { box, opens: false, timeNs: box.step.operation.completion.type === 'info' ? Infinity : box.step.endNs },
  ]);
  edges.sort((a, b) => compare(a.timeNs, b.timeNs) || Number(b.opens) - Number(a.opens));
  const longest =
    Math.max(1, ...steps.map((step) => step.endNs)) - Math.min(...steps.map((s) => s.operation.invokedNs));
  const laneEnds = new Map<number, number>();
  let x = MARGIN;
  let previousNs = edges[0]?.timeNs ?? 0;
  for (const { box, opens, timeNs } of edges) {
    const share = timeNs === Infinity ? 0 : Math.sqrt((timeNs - previousNs) / Math.max(1, longest));
    if (timeNs !== Infinity) previousNs = timeNs;
    x += looseness * (9 + 60 * share);
    if (opens) {
      x = Math.max(x, (laneEnds.get(box.lane) ?? 0) + 10);
      box.left = x;
    } else {
      if (timeNs !== Infinity) x = Math.max(x, box.left + boxWidth(box.step, ordered));
      box.right = Math.max(x, box.left + boxWidth(box.step, ordered));
      laneEnds.set(box.lane, box.right);
    }
  }
  setPoints(boxes);
  return boxes;
}

const compare = (a: number, b: number): number => (a === b ? 0 : a < b ? -1 : 1);

/** What stands in the box and below it. */
function words(
  { ask, answer, place, impossible, label }: SceneStep,
  ordered: boolean,
): { readonly inside: string; readonly below: string } {
  const name = label === undefined ? '' : `${label}: `;
  const whole = answer === '' ? `${name}${ask}` : `${name}${ask} → ${answer}`;
  if (label !== undefined) return { inside: cut(whole, 2 * LABEL_LIMIT), below: '' };
  const split = place === undefined && whole.length > ONE_LINE;
  const result = split ? `→ ${answer}` : '';
  const refusal = ordered ? '✗ impossible here' : `✗ ${result}`;
  const below = impossible === undefined ? (place?.state ?? result) : refusal;
  return { inside: cut(split ? ask : whole), below: cut(plain(below)) };
}

const cut = (text: string, limit = LABEL_LIMIT): string =>
  text.length > limit ? `${text.slice(0, limit - 1)}…` : text;

function boxWidth(step: SceneStep, ordered: boolean): number {
  const { inside, below } = words(step, ordered);
  return Math.max(inside.length + 1, below.length, 6) * CHARACTER_WIDTH + (step.place ? 31 : 16);
}

/** Each operation of the legal order takes effect inside its box and after the one before it. */
function setPoints(boxes: readonly Box[]): void {
  const ordered = inOrder(boxes);
  let x = 0;
  for (const box of ordered) {
    x = Math.min(Math.max(x + 6, box.left + 9), box.right - 4);
    box.pointX = x;
  }
}

const inOrder = (boxes: readonly Box[]): Box[] =>
  boxes.filter((box) => box.step.place).sort((a, b) => (a.step.place?.number ?? 0) - (b.step.place?.number ?? 0));

const laneTop = (box: Box): number => box.lane * LANE_HEIGHT + BOX_TOP;

function orderLine(boxes: readonly Box[]): Markup | null {
  const points = inOrder(boxes).map((box) => `${round(box.pointX ?? box.left)},${laneTop(box)}`);
  return points.length < 2 ? null : markup`<polyline class="order" points="${points.join(' ')}"/>`;
}

const round = (x: number): number => Math.round(x * 10) / 10;

function boxMark(box: Box, id: string, ordered: boolean): Markup {
  const { step, left, right } = box;
  const { operation, place, impossible } = step;
  const top = laneTop(box);
  const kind = impossible === undefined ? operation.completion.type : 'impossible';
  const fill = impossible === undefined ? (kind === 'info' ? `url(#${id}-fade)` : undefined) : `url(#${id}-hatch)`;
  const where = nodeOf(operation) === '' ? '' : ` on ${nodeOf(operation)}`;
  const said = step.answer === '' ? step.ask : `${step.ask} → ${step.answer}`;
  const sentence = `#${operation.index}, process ${operation.process}${where}: ${said}, ${atSeconds(operation.invokedNs)} to ${atSeconds(step.endNs)}`;
  const { inside, below } = words(step, ordered);
  return markup`<a href="#op=${operation.index}" class="box ${kind}" aria-label="${plain(sentence, 240)}"><title>${plain(sentence, 240)}</title>
  <rect x="${round(left)}" y="${top}" width="${round(right - left)}" height="${BOX_HEIGHT}" rx="5"${fill && markup` fill="${fill}"`}/>
  <text x="${round(left + (place ? 22 : 9))}" y="${top + 18.5}">${inside}</text>
  ${place && box.pointX !== undefined && markup`<circle cx="${round(box.pointX)}" cy="${top}" r="8.5"/><text class="number" x="${round(box.pointX)}" y="${top + 3.7}">${place.number}</text>`}
  ${below !== '' && markup`<text class="below" x="${round(left + 4)}" y="${top + BOX_HEIGHT + 15}">${below}</text>`}
</a>`;
}
