// What is said in words beside the timeline: the operation under the pointer, the chosen one, and a table of those in
// view. Everything is put in as text, never as markup.

import { OUTCOMES, answerOf, labelOf, lengthOf } from './operations.js';

/** @import { Operations } from './operations.js' */

export const LISTED = 60;

/**
 * @param {string} tag
 * @param {string} [text]
 * @param {string} [className]
 */
function element(tag, text, className) {
  const made = document.createElement(tag);
  if (text !== undefined) made.textContent = text;
  if (className !== undefined) made.className = className;
  return made;
}

/**
 * @param {Operations} operations
 * @param {number} at
 */
function tookOf(operations, at) {
  const ended = operations.ended[at];
  return Number.isNaN(ended) ? 'no answer' : lengthOf(ended - operations.invoked[at]);
}

/**
 * @param {HTMLElement} tip
 * @param {Operations} operations
 * @param {number} at
 * @param {{ x: number, y: number, width: number }} point
 */
export function showTip(tip, operations, at, { x, y, width }) {
  const key = operations.key[at] < 0 ? '' : ` on ${operations.keys[operations.key[at]]}`;
  tip.replaceChildren(
    element('strong', `#${operations.index[at]} ${labelOf(operations, at)}`),
    element(
      'span',
      `p${operations.process[at]} on ${operations.nodes[operations.node[at]]}${key}, at ${operations.invoked[at].toFixed(3)} s for ${tookOf(operations, at)}`,
    ),
  );
  tip.hidden = false;
  tip.style.left = `${Math.max(0, Math.min(x + 12, width - tip.offsetWidth - 4))}px`;
  tip.style.top = `${y + 16}px`;
}

/**
 * Everything the page knows of one operation; with −1, nothing.
 *
 * @param {HTMLElement} panel
 * @param {Operations} operations
 * @param {number} at
 * @param {boolean} witness
 */
export function showDetails(panel, operations, at, witness) {
  panel.replaceChildren();
  if (at < 0) return;
  const list = element('dl', undefined, 'pairs');
  const pair = (/** @type {string} */ name, /** @type {string} */ value) => {
    const row = element('div');
    row.append(element('dt', name), element('dd', value));
    list.append(row);
  };
  pair('Asked', operations.texts[operations.ask[at]]);
  pair('Answered', answerOf(operations, at));
  if (operations.type[at] !== 0 && operations.texts[operations.answer[at]] !== '')
    pair('In detail', operations.texts[operations.answer[at]]);
  if (operations.key[at] >= 0) pair('Key', operations.keys[operations.key[at]]);
  pair('Process', `${operations.process[at]} on ${operations.nodes[operations.node[at]]}`);
  if (operations.late[at] > 0.0005) pair('Sent late by', lengthOf(operations.late[at]));
  pair('Sent at', `${operations.invoked[at].toFixed(6)} s`);
  pair('Ended at', Number.isNaN(operations.ended[at]) ? 'never' : `${operations.ended[at].toFixed(6)} s`);
  pair('Took', tookOf(operations, at));
  const title = element('h3', `Operation #${operations.index[at]}`);
  if (witness) title.append(' ', element('span', 'part of the counterexample', 'chip bad'));
  panel.append(title, list);
}

/**
 * @param {HTMLTableElement} table
 * @param {Operations} operations
 * @param {number[]} inView
 * @param {number} total
 * @param {number | null} chosen
 */
export function showListing(table, operations, inView, total, chosen) {
  const body = table.tBodies[0];
  const caption = table.caption;
  if (!body || !caption) return;
  caption.textContent =
    total === 0
      ? 'No operation in view'
      : total > inView.length
        ? `The first ${inView.length} of the ${total.toLocaleString('en-GB')} operations in view`
        : 'The operations in view';
  body.replaceChildren(...inView.map((at) => listingRow(operations, at, operations.index[at] === chosen)));
}

/**
 * @param {Operations} operations
 * @param {number} at
 * @param {boolean} chosen
 */
function listingRow(operations, at, chosen) {
  const row = document.createElement('tr');
  if (chosen) row.className = 'chosen';
  const name = element('th');
  name.setAttribute('scope', 'row');
  const choose = element('button', `#${operations.index[at]}`, 'link');
  choose.setAttribute('type', 'button');
  choose.dataset['choose'] = String(operations.index[at]);
  name.append(choose);
  const answer = element('td', answerOf(operations, at), OUTCOMES[operations.type[at]]);
  row.append(
    name,
    element('td', `${operations.invoked[at].toFixed(3)} s`),
    element('td', tookOf(operations, at)),
    element('td', `p${operations.process[at]}`),
    element('td', operations.nodes[operations.node[at]]),
    element('td', operations.key[at] < 0 ? '' : operations.keys[operations.key[at]]),
    element('td', operations.texts[operations.ask[at]]),
    answer,
  );
  return row;
}
