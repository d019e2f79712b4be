/**
 * Money is moved while parts of the system are out of reach: what is then refused, what is answered from copies that say so
 * and what goes on is declared here, and judged beside exactly-once. Some clients say that an old balance will do.
 */

import { degradation, type OutageTable } from '../checkers/degradation.ts';
import { exactlyOnce, type TransfersInput, type TransfersOutput } from '../checkers/exactly-once.ts';
import type { Json } from '../rig/contract.ts';
import { defineWorkload } from '../rig/define.ts';
import { accountNames, Draw, insist, invoke, settleTheBooks, SEMANTICS } from './keyed-transfers.ts';

const FAIL_CLOSED = { transfer: 'closed', balance: 'marked', accounts: 'closed', applied: 'closed' } as const;
const UNDISTURBED = { transfer: 'open', balance: 'open', accounts: 'open', applied: 'open' } as const;

/** The ledger in outages: writes fail closed, balances are answered from copies no older than five seconds. */
export const LEDGER_IN_OUTAGES: OutageTable = {
  'store-outage': FAIL_CLOSED,
  restore: FAIL_CLOSED,
  'cache-expiry': UNDISTURBED,
  'cache-poison': UNDISTURBED,
  'replica-lag': UNDISTURBED,
};
const OLDEST_COPY_MS = 5_000;
/** Whoever lost the primary alone has one again once the replica took over. */
const isOfPrimary = (outage: Json): boolean => (outage as { readonly how?: string }).how === 'primary';
/** No money, in use, used with another payload: the ledger is at work. */
const ANSWERS = ['http-402', 'http-409', 'http-422'];

export const outages = defineWorkload<'ledger', TransfersInput, TransfersOutput>({
  name: 'outages',
  summary: 'moves money and reads balances, some of them possibly old; outages must be met as declared',
  api: 'ledger',
  checkers: [
    exactlyOnce,
    degradation({
      table: LEDGER_IN_OUTAGES,
      oldestMs: OLDEST_COPY_MS,
      answers: ANSWERS,
      blurredBy: { failover: isOfPrimary },
    }),
  ],
  semantics: SEMANTICS,

  *generator(context) {
    const { rng, nodes } = context;
    const draw = new Draw(context, yield* accountNames(context));
    for (;;) {
      const dice = rng.float();
      const via = rng.pick(nodes);
      if (dice < 0.25) yield { ask: { f: 'balance', account: rng.pick(draw.accounts) }, via };
      else if (dice < 0.5) yield { ask: { f: 'balance', account: rng.pick(draw.accounts), mayBeOld: true }, via };
      else if (dice < 0.53) yield { ask: { f: 'accounts' }, via };
      else if (dice < 0.54) yield { ask: { f: 'applied' }, via };
      else yield* insist(context, rng.chance(0.5) ? draw.own() : draw.paired());
    }
  },

  finalGenerator: settleTheBooks,
  invoke,
});
