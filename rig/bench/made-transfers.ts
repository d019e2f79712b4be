/**
 * Makes histories of keyed transfers of any size for the benches, seeded: clients that repeat what was not answered,
 * a ledger that applies each key once, and its books at the end. Written as Ordeal's events in JSON lines.
 */

import { closeSync, openSync, writeSync } from 'node:fs';
import { Random } from '../random.ts';

const CLIENTS = 20;
const ACCOUNTS = 50;
const OPENING = 1_000_000;
const NODES = ['n1', 'n2', 'n3'];
const LOST = 0.3;
const FLUSH_AT = 1 << 20;
const STEP_NS = 10_000;

interface Wanted {
  readonly key: string;
  readonly from: number;
  readonly to: number;
  readonly amount: number;
  /** How often it is still going to be asked for. */
  left: number;
  id: string | null;
}

/** Writes a history of `attempts` requests for `keys` transfers, each asked for about as often as the others, to a new file. */
export function writeTransfers(path: string, attempts: number, keys: number): void {
  const file = openSync(path, 'w');
  const random = new Random(`bench/transfers/${attempts}/${keys}`);
  let text = '';
  let index = 0;
  const emit = (event: object) => {
    text += `${JSON.stringify({ index, timeNs: index * STEP_NS, ...event })}\n`;
    index++;
    if (text.length < FLUSH_AT) return;
    writeSync(file, text);
    text = '';
  };
  const balances = new Float64Array(ACCOUNTS).fill(OPENING);
  const applied: object[] = [];
  let process = 0;
  const ask = (node: string, input: object, end: (process: number) => object) => {
    const mine = process++ % CLIENTS;
    emit({ process: mine, node, type: 'invoke', input });
    return () => emit({ process: mine, node, ...end(mine) });
  };
  const open: Wanted[] = [];
  let made = 0;
  /** Answers that have not been heard yet: requests are under way at the same time. */
  const underWay: (() => void)[] = [];
  for (let asked = 0; asked < attempts; asked++) {
    if (open.length < CLIENTS && made < keys) open.push(wanted(made++, random, attempts / keys));
    const one = open[random.integer(0, open.length - 1)] as Wanted;
    if (--one.left <= 0 && made < keys) open.splice(open.indexOf(one), 1);
    const isLost = random.chance(LOST);
    const isReplayed = one.id !== null;
    if (one.id === null && !(isLost && random.chance(0.5))) {
      one.id = `t${applied.length}`;
      applied.push({ id: one.id, key: one.key, from: name(one.from), to: name(one.to), amount: one.amount });
      balances[one.from] = (balances[one.from] as number) - one.amount;
      balances[one.to] = (balances[one.to] as number) + one.amount;
    }
    const output = { id: one.id, amount: one.amount, replayed: isReplayed };
    const input = { f: 'transfer', key: one.key, from: name(one.from), to: name(one.to), amount: one.amount };
    const answer = isLost ? { type: 'fail', error: 'connection-refused' } : { type: 'ok', output };
    const lost = isLost && one.id !== null ? { type: 'info', error: 'timeout' } : answer;
    underWay.push(ask(random.pick(NODES), input, () => lost));
    if (underWay.length === CLIENTS) underWay.shift()?.();
  }
  for (const end of underWay) end();
  ask('n1', { f: 'applied' }, () => ({ type: 'ok', output: applied }))();
  const books = [...balances].map((balance, at) => ({ account: name(at), opening: OPENING, balance }));
  ask('n1', { f: 'accounts' }, () => ({ type: 'ok', output: books }))();
  writeSync(file, text);
  closeSync(file);
}

const name = (account: number): string => `account-${account}`;

function wanted(number: number, random: Random, often: number): Wanted {
  const from = random.integer(0, ACCOUNTS - 1);
  const to = (from + random.integer(1, ACCOUNTS - 1)) % ACCOUNTS;
  const key = `w${number % CLIENTS}-${number}`;
  return { key, from, to, amount: random.integer(1, 100), left: Math.ceil(random.float() * 2 * often), id: null };
}
