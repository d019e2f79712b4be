// The timeline as something to use: keeps the view, draws it again when it changes, and turns pointer, wheel, keys,
// buttons, filters and the address into changes of the view.

import { LISTED, showDetails, showListing, showTip } from './details.js';
import { lengthOf, positionOf } from './operations.js';
import { GUTTER, operationAt, paint, scaleOf } from './painter.js';
import { hashFromView, layOut, passing, viewFromHash } from './view.js';

/**
 * @import { Facts, Operations } from './operations.js'
 * @import { Scale } from './painter.js'
 * @import { Layout, View } from './view.js'
 */

/**
 * @param {Operations} operations
 * @param {Facts} facts
 */
export function startTimeline(operations, facts) {
  const canvas = /** @type {HTMLCanvasElement} */ (byId('canvas'));
  const form = /** @type {HTMLFormElement} */ (byId('filters'));
  const witnesses = new Set(facts.witnesses);
  const defaultRows = new Set(operations.process).size > 60 ? 'node' : 'process';
  const readHash = () => viewFromHash(location.hash.includes('=') ? location.hash : '', facts.end, defaultRows);
  let view = readHash();
  let layout = layOut(operations, passing(operations, view, witnesses), view.rows);
  let scale = scaleOf(canvas, layout, view);
  let frame = 0;
  let writing = 0;

  const draw = () => {
    frame = 0;
    scale = scaleOf(canvas, layout, view);
    paint(canvas, scale, { operations, facts, layout, view, witnesses });
    sayWhatIsShown(operations, layout, view, facts);
    const at = view.op === null ? -1 : positionOf(operations, view.op);
    showDetails(byId('details'), operations, at, view.op !== null && witnesses.has(view.op));
    if (at < 0 && view.op !== null) byId('details').textContent = `Operation #${view.op} is not in this page.`;
  };
  const redraw = () => {
    if (frame === 0) frame = requestAnimationFrame(draw);
    clearTimeout(writing);
    writing = setTimeout(() => {
      const hash = hashFromView(view, facts.end, defaultRows);
      history.replaceState(null, '', hash === '' ? location.pathname + location.search : `#${hash}`);
    }, 120);
  };
  const change = (/** @type {Partial<View>} */ changes) => {
    view = { ...view, ...changes };
    if (Object.keys(changes).some((name) => !['from', 'to', 'op'].includes(name)))
      layout = layOut(operations, passing(operations, view, witnesses), view.rows);
    redraw();
  };
  const zoom = (/** @type {number} */ from, /** @type {number} */ to) =>
    change(clamped(from, Math.max(to, from + 1e-5), facts.end));
  const reveal = (/** @type {number[]} */ indices) => change(around(operations, indices, facts.end) ?? {});

  const now = { view: () => view, layout: () => layout, scale: () => scale, change, zoom, reveal };
  fillKeys(operations);
  byId('only-label').hidden = byId('zoom-counterexample').hidden = facts.witnesses.length === 0;
  writeForm(form, view);
  listenToForm(form, now, defaultRows);
  listenToPointer(canvas, operations, now);
  listenToKeys(canvas, operations, now);
  listenToButtons(operations, facts, now);
  addEventListener('hashchange', () => {
    if (!location.hash.includes('=')) return;
    const linked = readHash();
    // A link to one operation shows it where it is, without taking away what is shown.
    const only = new URLSearchParams(location.hash.slice(1));
    if (only.size === 1 && linked.op !== null) show(operations, now, linked.op);
    else {
      change(linked);
      writeForm(form, linked);
    }
    byId('timeline').scrollIntoView();
  });
  addEventListener('resize', redraw);
  matchMedia('(prefers-color-scheme: dark)').addEventListener('change', redraw);
  draw();
  if (location.hash.includes('=')) byId('timeline').scrollIntoView();
}

/**
 * @typedef {object} Now
 * @property {() => View} view
 * @property {() => Layout} layout
 * @property {() => Scale} scale
 * @property {(changes: Partial<View>) => void} change
 * @property {(from: number, to: number) => void} zoom
 * @property {(indices: number[]) => void} reveal
 */

/**
 * @param {string} id
 * @returns {HTMLElement}
 */
export function byId(id) {
  const found = document.getElementById(id);
  if (!found) throw new Error(`the page has no ${id}`);
  return found;
}

/**
 * @param {number} from
 * @param {number} to
 * @param {number} end
 */
function clamped(from, to, end) {
  const span = Math.min(end, to - from);
  const start = Math.min(Math.max(0, from), end - span);
  return { from: start, to: start + span };
}

/**
 * The stretch that holds these operations with some room; `null` when none is in the page.
 *
 * @param {Operations} operations
 * @param {number[]} indices
 * @param {number} end
 */
function around(operations, indices, end) {
  const positions = indices.map((index) => positionOf(operations, index)).filter((at) => at >= 0);
  if (positions.length === 0) return null;
  const from = Math.min(...positions.map((at) => operations.invoked[at]));
  const to = Math.max(
    ...positions.map((at) => (Number.isNaN(operations.ended[at]) ? operations.invoked[at] : operations.ended[at])),
  );
  const room = Math.max(0.002, (to - from) * 0.12);
  return clamped(from - room, to + room, end);
}

/**
 * Chooses an operation, and moves to it if it is out of view.
 *
 * @param {Operations} operations
 * @param {Now} now
 * @param {number} index
 */
function show(operations, now, index) {
  now.change({ op: index });
  const at = positionOf(operations, index);
  if (at < 0) return;
  const { from, to } = now.view();
  const time = operations.invoked[at];
  if (time < from || time > to) now.zoom(time - (to - from) / 2, time + (to - from) / 2);
}

/**
 * @param {Operations} operations
 * @param {Layout} layout
 * @param {View} view
 * @param {Facts} facts
 */
function sayWhatIsShown(operations, layout, view, facts) {
  const listed = [];
  let total = 0;
  for (const at of layout.positions) {
    const ended = operations.ended[at];
    if (operations.invoked[at] > view.to || (Number.isNaN(ended) ? operations.invoked[at] : ended) < view.from)
      continue;
    if (listed.length < LISTED) listed.push(at);
    total++;
  }
  const number = (/** @type {number} */ value) => value.toLocaleString('en-GB');
  const missing =
    layout.rowsLeftOut === 0 ? '' : ` ${number(layout.rowsLeftOut)} more rows do not fit: filter to see them.`;
  byId('shown').textContent = `${number(total)} of ${number(operations.length)} operations in view.${missing}`;
  byId('range').textContent =
    view.from <= 0 && view.to >= facts.end
      ? `the whole run, ${lengthOf(facts.end)}`
      : `${view.from.toFixed(3)} s to ${view.to.toFixed(3)} s (${lengthOf(view.to - view.from)})`;
  showListing(/** @type {HTMLTableElement} */ (byId('listing')), operations, listed, total, view.op);
}

/** @param {Operations} operations */
function fillKeys(operations) {
  byId('keys').replaceChildren(
    ...operations.keys.slice(0, 300).map((key) => {
      const option = document.createElement('option');
      option.value = key;
      return option;
    }),
  );
}

/**
 * @param {HTMLFormElement} form
 * @param {View} view
 */
function writeForm(form, view) {
  for (const field of form.elements) {
    if (field instanceof HTMLInputElement && field.type === 'checkbox') {
      if (field.name === 'only') field.checked = view.only;
      else {
        const wanted = field.name === 'f' ? view.f : view.type;
        field.checked = wanted === null || wanted.has(field.value);
      }
    } else if (field instanceof HTMLInputElement || field instanceof HTMLSelectElement)
      field.value = String(view[/** @type {'key'} */ (field.name)] ?? '');
  }
}

/**
 * @param {HTMLFormElement} form
 * @param {Now} now
 * @param {string} defaultRows
 */
function listenToForm(form, now, defaultRows) {
  const read = () => {
    const data = new FormData(form);
    const text = (/** @type {string} */ name) => String(data.get(name) ?? '').trim();
    const ticked = (/** @type {string} */ name) => {
      const chosen = data.getAll(name).map(String);
      return chosen.length === form.querySelectorAll(`input[name=${name}]`).length ? null : new Set(chosen);
    };
    now.change({
      f: ticked('f'),
      type: ticked('type'),
      key: text('key'),
      node: text('node'),
      process: text('process').replace(/^p/, ''),
      error: text('error'),
      q: text('q'),
      rows: text('rows'),
      only: data.has('only'),
    });
  };
  form.addEventListener('input', read);
  form.addEventListener('submit', (event) => event.preventDefault());
  form.addEventListener('reset', () =>
    setTimeout(() => {
      const rows = form.elements.namedItem('rows');
      if (rows instanceof HTMLSelectElement) rows.value = defaultRows;
      read();
    }),
  );
}

/**
 * @param {HTMLCanvasElement} canvas
 * @param {Operations} operations
 * @param {Now} now
 */
function listenToPointer(canvas, operations, now) {
  const tip = byId('tip');
  const band = byId('selection');
  let begun = Number.NaN;
  const pointIn = (/** @type {MouseEvent} */ event) => {
    const box = canvas.getBoundingClientRect();
    return { x: event.clientX - box.left, y: event.clientY - box.top, width: box.width };
  };
  const under = (/** @type {{ x: number, y: number }} */ point) =>
    operationAt(now.scale(), operations, now.layout(), point);
  canvas.addEventListener('pointerdown', (event) => {
    if (event.button !== 0 || event.pointerType === 'touch') return;
    begun = Math.max(GUTTER, pointIn(event).x);
    canvas.setPointerCapture(event.pointerId);
  });
  canvas.addEventListener('pointermove', (event) => {
    const point = pointIn(event);
    if (Number.isNaN(begun)) {
      const at = under(point);
      if (at < 0) tip.hidden = true;
      else showTip(tip, operations, at, point);
      return;
    }
    const x = Math.max(GUTTER, point.x);
    band.hidden = Math.abs(x - begun) < 4;
    band.style.left = `${Math.min(x, begun)}px`;
    band.style.width = `${Math.abs(x - begun)}px`;
  });
  canvas.addEventListener('pointerup', (event) => {
    const point = pointIn(event);
    const dragged = Math.abs(point.x - begun) >= 4;
    const [left, right] = [begun, Math.max(GUTTER, point.x)].sort((a, b) => a - b);
    begun = Number.NaN;
    band.hidden = true;
    if (dragged) now.zoom(now.scale().time(left), now.scale().time(right));
    else {
      const at = under(point);
      now.change({ op: at < 0 ? null : operations.index[at] });
    }
  });
  canvas.addEventListener('pointercancel', () => {
    begun = Number.NaN;
    band.hidden = true;
  });
  canvas.addEventListener('pointerleave', () => {
    tip.hidden = true;
  });
  canvas.addEventListener(
    'wheel',
    (event) => {
      if (!event.ctrlKey) return;
      event.preventDefault();
      const { from, to } = now.view();
      const centre = now.scale().time(Math.max(GUTTER, pointIn(event).x));
      const factor = Math.exp(Math.max(-0.5, Math.min(0.5, event.deltaY / 240)));
      now.zoom(centre - (centre - from) * factor, centre + (to - centre) * factor);
    },
    { passive: false },
  );
}

/**
 * @param {string} how
 * @param {Now} now
 */
function move(how, now) {
  const { from, to } = now.view();
  const span = to - from;
  if (how === 'whole') now.zoom(0, Infinity);
  if (how === 'in') now.zoom(from + span / 4, to - span / 4);
  if (how === 'out') now.zoom(from - span / 2, to + span / 2);
  if (how === 'left') now.zoom(from - span / 4, to - span / 4);
  if (how === 'right') now.zoom(from + span / 4, to + span / 4);
}

/**
 * @param {HTMLCanvasElement} canvas
 * @param {Operations} operations
 * @param {Now} now
 */
function listenToKeys(canvas, operations, now) {
  /** @type {Record<string, string>} */
  const moves = { ArrowLeft: 'left', ArrowRight: 'right', '+': 'in', '=': 'in', '-': 'out', 0: 'whole' };
  canvas.addEventListener('keydown', (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const how = moves[event.key];
    if (how !== undefined) move(how, now);
    else if (event.key === 'Escape') now.change({ op: null });
    else if (event.key === 'n' || event.key === 'p') step(operations, now, event.key === 'n' ? 1 : -1);
    else return;
    event.preventDefault();
  });
}

/**
 * Chooses the next operation that passes the filters, or the one before.
 *
 * @param {Operations} operations
 * @param {Now} now
 * @param {1 | -1} direction
 */
function step(operations, now, direction) {
  const { positions } = now.layout();
  const { op, from, to } = now.view();
  let next = positions.findIndex((at) => (op === null ? operations.invoked[at] >= from : operations.index[at] >= op));
  if (op !== null && next >= 0 && (direction < 0 || operations.index[positions[next]] === op)) next += direction;
  const at = positions[next];
  if (at === undefined || (op === null && operations.invoked[at] > to)) return;
  show(operations, now, operations.index[at]);
}

/**
 * @param {Operations} operations
 * @param {Facts} facts
 * @param {Now} now
 */
function listenToButtons(operations, facts, now) {
  document.addEventListener('click', (event) => {
    const button = event.target instanceof Element ? event.target.closest('button') : null;
    if (!button) return;
    const { move: how, choose, zoomFault, zoomOps } = button.dataset;
    if (how !== undefined) move(how, now);
    if (choose !== undefined) show(operations, now, Number(choose));
    if (button.id === 'zoom-counterexample') now.reveal(facts.witnesses);
    const fault = zoomFault === undefined ? undefined : facts.faults[Number(zoomFault)];
    if (fault) {
      const room = Math.max(0.2, (fault.to - fault.from) * 0.15);
      now.zoom(fault.from - room, fault.to + room);
    }
    if (zoomOps !== undefined) now.reveal(zoomOps.split(' ').map(Number));
    if (fault || zoomOps !== undefined) byId('timeline').scrollIntoView();
  });
}
