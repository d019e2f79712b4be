/**
 * Money is moved, each transfer named by a key that every repeat of it carries: after a lost answer through another
 * node, at the same time through two nodes, long after it was acknowledged, and with keys that several payers use.
 */

import { exactlyOnce, type TransfersInput, type TransfersOutput } from '../checkers/exactly-once.ts';
import { defineWorkload } from '../rig/define.ts';
import {
  accountNames,
  Draw,
  insist,
  invoke,
  type KeyedTransfer,
  settleTheBooks,
  SEMANTICS,
} from './keyed-transfers.ts';

/** Acknowledged transfers that a worker may repeat later. */
const REMEMBERED = 40;

export const transfers = defineWorkload<'ledger', TransfersInput, TransfersOutput>({
  name: 'transfers',
  summary: 'moves money by keyed transfers that are repeated in every way; each must be applied exactly once',
  api: 'ledger',
  checkers: [exactlyOnce],
  semantics: SEMANTICS,

  *generator(context) {
    const { rng } = context;
    const draw = new Draw(context, yield* accountNames(context));
    const acknowledged: KeyedTransfer[] = [];
    for (;;) {
      const dice = rng.float();
      if (dice < 0.2) {
        yield { f: 'balance', account: rng.pick(draw.accounts) };
      } else if (dice < 0.28 && acknowledged.length > 0) {
        yield { ask: rng.pick(acknowledged), via: rng.pick(context.nodes) };
      } else {
        const transfer = dice < 0.55 ? draw.own() : dice < 0.85 ? draw.paired() : draw.samekey();
        if (!(yield* insist(context, transfer))) continue;
        acknowledged.push(transfer);
        if (acknowledged.length > REMEMBERED) acknowledged.shift();
      }
    }
  },

  finalGenerator: settleTheBooks,
  invoke,
});
