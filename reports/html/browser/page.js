// Brings the page to life: what needs no operations first, then the timeline.

import { readFacts, readOperations } from './operations.js';
import { byId, startTimeline } from './timeline.js';

document.documentElement.classList.add('js');

for (const button of document.querySelectorAll('button[data-copies]')) {
  button.addEventListener('click', () => {
    const source = document.getElementById(/** @type {HTMLElement} */ (button).dataset['copies'] ?? '');
    if (source) void copy(source).then((outcome) => (button.textContent = outcome));
  });
}

/**
 * Where the clipboard is out of reach, the text is selected instead.
 *
 * @param {HTMLElement} source
 */
async function copy(source) {
  try {
    await navigator.clipboard.writeText(source.textContent ?? '');
    return 'Copied';
  } catch {
    getSelection()?.selectAllChildren(source);
    return 'Selected';
  }
}

// A legal order is read from its end: that is where the impossible step stands.
for (const frame of document.querySelectorAll('.boxes-scroll:has(.order)')) {
  const impossible = frame.querySelector('.box.impossible rect');
  if (impossible instanceof SVGRectElement) frame.scrollLeft = impossible.x.baseVal.value - frame.clientWidth / 3;
}

addEventListener('beforeprint', () => {
  for (const details of document.querySelectorAll('details')) details.open = true;
});

if (document.getElementById('operations')) {
  const facts = readFacts();
  readOperations().then(
    (operations) => startTimeline(operations, facts),
    (error) => {
      byId('shown').textContent = `The operations in this page could not be read: ${error}`;
    },
  );
}
