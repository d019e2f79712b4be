/**
 * Idempotency keys on trial themselves: reused with another payload, asked for at the same time through two nodes, long
 * and nearly equal, and odd. What was left open is asked for again until it is settled.
 */

import { exactlyOnce, type TransfersInput, type TransfersOutput } from '../checkers/exactly-once.ts';
import type { NodeId, WorkerContext } from '../rig/contract.ts';
import { defineWorkload } from '../rig/define.ts';
import {
  accountNames,
  type Asking,
  Draw,
  insist,
  invoke,
  type KeyedTransfer,
  settleTheBooks,
  SEMANTICS,
} from './keyed-transfers.ts';
import { ODD_KEYS, PREFIX_LENGTHS } from './odd-keys.ts';
import { PAYLOAD_FORMS } from './payload-forms.ts';

/** Transfers left open that a worker comes back to. */
const MOST_OPEN = 20;

export const idempotency = defineWorkload<'ledger', TransfersInput, TransfersOutput>({
  name: 'idempotency',
  summary: 'keys reused with other payloads, raced through two nodes, nearly equal, odd; each stands for one transfer',
  api: 'ledger',
  checkers: [exactlyOnce],
  semantics: SEMANTICS,

  *generator(context) {
    const { rng, worker } = context;
    const draw = new Draw(context, yield* accountNames(context));
    const open: KeyedTransfer[] = [];
    for (let count = 1; ; count++) {
      const dice = rng.float();
      const oldest = dice < 0.15 ? open.shift() : undefined;
      if (oldest) yield* settle(context, oldest, open);
      else if (dice < 0.25) yield { f: 'balance', account: rng.pick(draw.accounts) };
      else if (dice < 0.45) yield* reuse(context, draw, open);
      else if (dice < 0.6) yield* nearlyEqual(context, draw, `w${worker}-${count}-`, open);
      else if (dice < 0.85) yield* settle(context, draw.paired(), open);
      else if (dice < 0.93) yield* settle(context, draw.samekey(), open);
      else yield* insist(context, draw.named(rng.pick(ODD_KEYS)(`odd-${worker}-${count}`)));
    }
  },

  finalGenerator: settleTheBooks,
  invoke,
});

/** Insists, and notes what is still open then. Whether it was acknowledged. */
function* settle(context: WorkerContext, transfer: KeyedTransfer, open: KeyedTransfer[]): Asking<boolean> {
  const isAcknowledged = yield* insist(context, transfer);
  if (!isAcknowledged && open.length < MOST_OPEN) open.push(transfer);
  return isAcknowledged;
}

/** An acknowledged key with another amount, or for another payee; then as it was, and as it was in another form. */
function* reuse(context: WorkerContext, draw: Draw, open: KeyedTransfer[]): Asking<void> {
  const { rng, nodes } = context;
  const transfer = draw.own();
  if (!(yield* settle(context, transfer, open))) return;
  const payees = draw.payees(transfer.from).filter((account) => account !== transfer.to);
  const other = rng.chance(0.5)
    ? { ...transfer, amount: transfer.amount + rng.integer(1, 9) }
    : { ...transfer, to: payees.length > 0 ? rng.pick(payees) : transfer.to };
  const anywhere = (): NodeId => rng.pick(nodes);
  yield { ask: other, via: anywhere() };
  yield { ask: transfer, via: anywhere() };
  yield { ask: { ...transfer, form: rng.pick(PAYLOAD_FORMS) }, via: anywhere() };
}

/** Two keys that differ in their last character alone, of one payer, sometimes for the same. */
function* nearlyEqual(context: WorkerContext, draw: Draw, name: string, open: KeyedTransfer[]): Asking<void> {
  const { rng } = context;
  const prefix = name.padEnd(rng.pick(PREFIX_LENGTHS), 'k');
  const one = draw.named(`${prefix}a`);
  const other = { ...one, key: `${prefix}b`, amount: rng.chance(0.5) ? one.amount : one.amount + 1 };
  yield* settle(context, one, open);
  yield* settle(context, other, open);
}
