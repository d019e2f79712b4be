/** Why a run is not a pass although nothing wrong was found: what could not be done, and what could not be decided. */

import type { RunVerdict } from '../../rig/contract.ts';
import { doubtsOf } from '../outcome.ts';
import { counted, plain, sentence } from '../phrases.ts';
import { type Markup, markup } from './markup.ts';

const LIMIT = 30;

/** `null` where there is no doubt. */
export function doubts(verdict: RunVerdict): Markup | null {
  const reasons = doubtsOf(verdict);
  if (reasons.length === 0) return null;
  const more = reasons.length - LIMIT;
  return markup`
<section id="doubts" aria-labelledby="doubts-title">
  <h2 id="doubts-title">${verdict.validity === 'invalid' ? 'What is not known' : 'Why it is not a pass'}</h2>
  <ul class="reasons">${reasons
    .slice(0, LIMIT)
    .map(
      ({ source, reason }) =>
        markup`<li><span class="chip unsure">${plain(source, 60)}</span> ${sentence(reason, 800)}</li>`,
    )}</ul>
  ${more > 0 && markup`<p class="muted">… and ${counted(more, 'more reason')}, in verdict.json.</p>`}
</section>`;
}
