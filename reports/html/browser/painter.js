// Draws the timeline on its canvas, and finds the operation under a point. Only what is in view is visited, and bars
// that fall on the same pixels are drawn once.

import { labelOf } from './operations.js';

/**
 * @import { Facts, Operations } from './operations.js'
 * @import { Layout, View } from './view.js'
 */

export const GUTTER = 76;
const RULER = 46;
const MINIMUM_HEIGHT = 120;

/**
 * @typedef {object} Scale
 * @property {number} width
 * @property {number} height
 * @property {number} laneHeight
 * @property {(seconds: number) => number} x
 * @property {(x: number) => number} time
 */

/**
 * @param {HTMLCanvasElement} canvas
 * @param {Layout} layout
 * @param {View} view
 * @returns {Scale}
 */
export function scaleOf(canvas, layout, view) {
  const width = canvas.parentElement?.clientWidth ?? 800;
  const laneHeight = Math.max(4, Math.min(20, Math.floor(420 / Math.max(1, layout.lanes))));
  const height = Math.max(MINIMUM_HEIGHT, RULER + layout.lanes * laneHeight + 8);
  const perSecond = (width - GUTTER - 6) / Math.max(1e-9, view.to - view.from);
  return {
    width,
    height,
    laneHeight,
    x: (seconds) => GUTTER + (seconds - view.from) * perSecond,
    time: (x) => view.from + (x - GUTTER) / perSecond,
  };
}

/** The page's colours, as CSS has them at this moment. */
function colours() {
  const style = getComputedStyle(document.documentElement);
  const of = (/** @type {string} */ name) => style.getPropertyValue(name).trim();
  return {
    ink: of('--ink'),
    soft: of('--ink-soft'),
    rule: of('--rule'),
    paper: of('--paper'),
    fault: of('--fault-edge'),
    bad: of('--bad'),
    types: [of('--c-blue'), of('--c-orange'), of('--c-purple')],
    texts: [of('--on-blue'), of('--on-orange'), of('--on-purple')],
  };
}

/**
 * @param {HTMLCanvasElement} canvas
 * @param {Scale} scale
 * @param {{ operations: Operations, facts: Facts, layout: Layout, view: View, witnesses: Set<number> }} shown
 */
export function paint(canvas, scale, shown) {
  const density = window.devicePixelRatio || 1;
  canvas.width = Math.round(scale.width * density);
  canvas.height = Math.round(scale.height * density);
  canvas.style.height = `${scale.height}px`;
  const context = canvas.getContext('2d');
  if (!context) return;
  context.scale(density, density);
  context.font = '11px system-ui, sans-serif';
  context.textBaseline = 'middle';
  const palette = colours();
  paintGround(context, scale, shown, palette);
  context.save();
  context.beginPath();
  context.rect(GUTTER, 0, scale.width - GUTTER, scale.height);
  context.clip();
  paintFaults(context, scale, shown, palette);
  paintOperations(context, scale, shown, palette);
  context.restore();
  paintNames(context, scale, shown, palette);
}

/**
 * @param {CanvasRenderingContext2D} context
 * @param {Scale} scale
 * @param {{ facts: Facts, view: View }} shown
 * @param {ReturnType<typeof colours>} palette
 */
function paintGround(context, scale, { facts, view }, palette) {
  const step = tickStep(view.to - view.from, scale.width - GUTTER);
  const digits = Math.max(0, -Math.floor(Math.log10(step) + 1e-9));
  context.fillStyle = palette.soft;
  context.textAlign = 'center';
  for (let tick = Math.ceil(view.from / step) * step; tick <= view.to; tick += step) {
    const x = scale.x(tick);
    context.fillStyle = palette.rule;
    context.fillRect(Math.round(x), RULER - 28, 1, scale.height);
    context.fillStyle = palette.soft;
    if (x < scale.width - 22) context.fillText(`${tick.toFixed(digits)} s`, x, 9);
  }
  for (const [from, to] of facts.gaps) {
    const left = Math.max(GUTTER, scale.x(from));
    const right = Math.min(scale.width, scale.x(to));
    if (right - left < 1) continue;
    context.fillStyle = palette.rule;
    context.fillRect(left, RULER, right - left, scale.height - RULER);
    context.fillStyle = palette.soft;
    if (right - left > 90) context.fillText('left out', (left + right) / 2, RULER + 14);
  }
}

/**
 * @param {number} span
 * @param {number} width
 */
function tickStep(span, width) {
  const rough = span / Math.max(2, width / 90);
  const power = 10 ** Math.floor(Math.log10(rough));
  return ([1, 2, 5, 10].find((factor) => factor * power >= rough) ?? 10) * power;
}

/**
 * @param {CanvasRenderingContext2D} context
 * @param {Scale} scale
 * @param {{ facts: Facts }} shown
 * @param {ReturnType<typeof colours>} palette
 */
function paintFaults(context, scale, { facts }, palette) {
  const hatch = hatching(context, palette.fault);
  const taken = [GUTTER, GUTTER];
  facts.faults.forEach(({ from, to, nemesis }, at) => {
    const left = Math.max(GUTTER - 2, scale.x(from));
    const right = Math.min(scale.width + 2, scale.x(to));
    if (right <= GUTTER || left >= scale.width) return;
    context.fillStyle = hatch ?? palette.rule;
    context.fillRect(left, RULER - 26, Math.max(1, right - left), scale.height - RULER + 26);
    context.strokeStyle = palette.fault;
    context.lineWidth = 1;
    context.strokeRect(left + 0.5, RULER - 25.5, Math.max(1, right - left - 1), scale.height);
    const name = `${at + 1} ${nemesis}`;
    const label = context.measureText(name).width + 8 < right - left ? name : String(at + 1);
    const width = context.measureText(label).width;
    const x = Math.max(left + 3, GUTTER + 3);
    const row = taken.findIndex((end) => x >= end);
    if (row < 0 || x + width > scale.width) return;
    taken[row] = x + width + 3;
    const middle = RULER - 6.5 - 12 * row;
    context.fillStyle = palette.paper;
    context.fillRect(x - 2, middle - 6, width + 4, 12);
    context.fillStyle = palette.ink;
    context.textAlign = 'left';
    context.fillText(label, x, middle);
  });
}

/**
 * @param {CanvasRenderingContext2D} context
 * @param {string} colour
 */
function hatching(context, colour) {
  const tile = document.createElement('canvas');
  tile.width = tile.height = 8;
  const pen = tile.getContext('2d');
  if (!pen) return null;
  pen.strokeStyle = colour;
  pen.globalAlpha = 0.35;
  pen.beginPath();
  for (const offset of [-8, 0, 8]) {
    pen.moveTo(offset, 8);
    pen.lineTo(offset + 8, 0);
  }
  pen.stroke();
  return context.createPattern(tile, 'repeat');
}

/**
 * @param {CanvasRenderingContext2D} context
 * @param {Scale} scale
 * @param {{ operations: Operations, layout: Layout, view: View, witnesses: Set<number> }} shown
 * @param {ReturnType<typeof colours>} palette
 */
function paintOperations(context, scale, { operations, layout, view, witnesses }, palette) {
  const lastX = new Float64Array(layout.lanes * 3).fill(-1);
  const marked = [];
  context.textAlign = 'left';
  for (let i = 0; i < layout.positions.length; i++) {
    const at = layout.positions[i];
    const lane = layout.lane[i];
    if (lane < 0) continue;
    const ended = operations.ended[at];
    if (operations.invoked[at] > view.to || (Number.isNaN(ended) ? operations.invoked[at] : ended) < view.from)
      continue;
    const type = operations.type[at];
    const left = scale.x(operations.invoked[at]);
    const right = Number.isNaN(ended) ? left + 14 : Math.max(left + 1, scale.x(ended));
    const chosen = operations.index[at] === view.op;
    if (chosen || witnesses.has(operations.index[at])) marked.push({ at, lane, left, right, chosen });
    if (right <= lastX[lane * 3 + type] && !chosen) continue;
    lastX[lane * 3 + type] = Math.ceil(left + 1);
    paintBar(context, scale, palette, { type, lane, left, right });
    if (scale.laneHeight >= 13)
      paintLabel(context, scale, palette, labelOf(operations, at), { type, lane, left, right });
  }
  for (const { lane, left, right, chosen } of marked) {
    const top = RULER + lane * scale.laneHeight;
    context.strokeStyle = chosen ? palette.ink : palette.bad;
    context.lineWidth = chosen ? 2.5 : 2;
    context.strokeRect(left - 1.5, top - 0.5, Math.max(3, right - left + 3), scale.laneHeight);
  }
}

/**
 * Solid: ok. Striped: failed. Fading at its end: unknown.
 *
 * @typedef {{ type: number, lane: number, left: number, right: number }} Bar
 * @param {CanvasRenderingContext2D} context
 * @param {Scale} scale
 * @param {ReturnType<typeof colours>} palette
 * @param {Bar} bar
 */
function paintBar(context, scale, palette, { type, lane, left, right }) {
  const top = RULER + lane * scale.laneHeight + 1;
  const height = scale.laneHeight - 2;
  const width = right - left;
  context.fillStyle = palette.types[type];
  if (type === 2 && width > 6) {
    const start = Math.max(left, -50);
    const fade = context.createLinearGradient(start, 0, right, 0);
    fade.addColorStop(0, palette.types[2]);
    fade.addColorStop(0.5, palette.types[2]);
    fade.addColorStop(1, 'transparent');
    context.fillStyle = fade;
  }
  context.fillRect(left, top, width, height);
  if (type !== 1 || width < 5) return;
  context.fillStyle = palette.paper;
  for (let x = Math.max(left + 3, 0); x < Math.min(right - 1, scale.width); x += 5) context.fillRect(x, top, 1, height);
}

/**
 * @param {CanvasRenderingContext2D} context
 * @param {Scale} scale
 * @param {ReturnType<typeof colours>} palette
 * @param {string} label
 * @param {Bar} bar
 */
function paintLabel(context, scale, palette, label, { type, lane, left, right }) {
  const start = Math.max(left, GUTTER);
  // The end of an unknown fades away, and text on it with it.
  const fitting = Math.floor(((Math.min(right, scale.width) - start) * (type === 2 ? 0.6 : 1)) / 6.2) - 1;
  if (fitting < Math.min(label.length, 14)) return;
  const text = label.length > fitting ? `${label.slice(0, fitting - 1)}…` : label;
  const y = RULER + lane * scale.laneHeight + scale.laneHeight / 2;
  if (type === 1) {
    context.fillStyle = palette.types[1];
    context.fillRect(
      start + 2,
      y - scale.laneHeight / 2 + 1,
      context.measureText(text).width + 4,
      scale.laneHeight - 2,
    );
  }
  context.fillStyle = palette.texts[type];
  context.fillText(text, start + 4, y + 0.5);
}

/**
 * @param {CanvasRenderingContext2D} context
 * @param {Scale} scale
 * @param {{ layout: Layout }} shown
 * @param {ReturnType<typeof colours>} palette
 */
function paintNames(context, scale, { layout }, palette) {
  let last = -Infinity;
  context.textAlign = 'right';
  for (const { name, lane, lanes } of layout.rows) {
    const top = RULER + lane * scale.laneHeight;
    const middle = top + (lanes * scale.laneHeight) / 2;
    if (lanes * scale.laneHeight > 11) {
      context.fillStyle = palette.rule;
      context.fillRect(0, top, scale.width, 1);
    }
    if (middle - last < 11) continue;
    last = middle;
    context.fillStyle = palette.soft;
    context.fillText(name.length > 11 ? `${name.slice(0, 10)}…` : name, GUTTER - 8, middle);
  }
}

/**
 * The position of the operation nearest to a point on the canvas, within a few pixels; −1 for none.
 *
 * @param {Scale} scale
 * @param {Operations} operations
 * @param {Layout} layout
 * @param {{ x: number, y: number }} point
 */
export function operationAt(scale, operations, layout, { x, y }) {
  const lane = Math.floor((y - RULER) / scale.laneHeight);
  let best = -1;
  let distance = 5;
  for (let i = 0; i < layout.positions.length; i++) {
    if (layout.lane[i] !== lane) continue;
    const at = layout.positions[i];
    const left = scale.x(operations.invoked[at]);
    const right = Number.isNaN(operations.ended[at]) ? left + 14 : scale.x(operations.ended[at]);
    const away = Math.max(left - x, x - right, 0);
    if (away < distance) {
      distance = away;
      best = at;
    }
  }
  return best;
}
