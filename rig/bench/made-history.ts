/**
 * Makes histories of any size for the benches, seeded: simulated clients that are always busy, each asking, taking
 * effect and answering in turn with the others. Written as Jepsen's events in JSON lines.
 */

import { closeSync, openSync, writeSync } from 'node:fs';
import { Random } from '../random.ts';

export interface Shape {
  readonly kind: 'register' | 'set' | 'queue' | 'list-append' | 'rw-register';
  /** Operations; transactions for the last two. */
  readonly operations: number;
  readonly clients: number;
  /** Of registers; elements of a set; keys in use at once of transactions. */
  readonly keys: number;
  /** How many values a register takes; `Infinity`: each write its own. */
  readonly values: number;
  /** Of registers, the shares of reads and writes; the rest are swaps. */
  readonly reads: number;
  readonly writes: number;
  /** The share of operations of which nobody knows how they ended. */
  readonly unknown: number;
  /** Near the end a read sees a value that was overwritten before. */
  readonly violation: boolean;
}

type Micro = readonly ['r' | 'append' | 'w', number, number | readonly number[] | null];
type Value = null | number | readonly (number | null)[] | readonly Micro[];

interface Request {
  readonly f: string;
  readonly key: number | undefined;
  readonly value: Value;
}

/** What the simulated system does, in one step. */
interface System {
  ask(): Request;
  /** The answer; `undefined` is a refusal. */
  apply(request: Request): Value | undefined;
}

const FLUSH_AT = 1 << 20;
/** Writes to a key of a transaction before a fresh one takes its place. */
const WRITES_A_KEY = 32;

/** Writes the history to a new file. */
export function writeHistory(path: string, shape: Shape): void {
  const file = openSync(path, 'w');
  let text = '';
  let index = 0;
  const emit = (process: number, type: string, { f, key }: Request, value: Value) => {
    const keyed = key === undefined ? '' : `,"key":${key}`;
    text += `{"index":${index++},"process":${process},"type":"${type}","f":"${f}"${keyed},"value":${JSON.stringify(value)}}\n`;
    if (text.length < FLUSH_AT) return;
    writeSync(file, text);
    text = '';
  };
  simulate(shape, emit);
  writeSync(file, text);
  closeSync(file);
}

type Emit = (process: number, type: string, request: Request, value: Value) => void;

interface Client {
  process: number;
  request: Request | null;
  isApplied: boolean;
  answer: Value | undefined;
  isLost: boolean;
}

function simulate(shape: Shape, emit: Emit): void {
  const random = new Random(`bench/${JSON.stringify(shape)}`);
  const system = systemOf(shape, random);
  const clients = Array.from({ length: shape.clients }, (_, process): Client => {
    return { process, request: null, isApplied: false, answer: null, isLost: false };
  });
  const violateAt = shape.violation ? Math.floor(0.98 * shape.operations) : -1;
  let nextProcess = shape.clients;
  let asked = 0;
  let busy = 0;
  while (asked < shape.operations || busy > 0) {
    const client = clients[random.integer(0, shape.clients - 1)] as Client;
    if (client.request === null) {
      if (asked >= shape.operations) continue;
      if (asked++ === violateAt) violate(nextProcess++, emit);
      client.request = system.ask();
      client.isApplied = false;
      client.isLost = random.chance(shape.unknown);
      emit(client.process, 'invoke', client.request, client.request.value);
      busy++;
    } else if (!client.isApplied) {
      // Of those that are lost, half took effect.
      if (!client.isLost || random.chance(0.5)) client.answer = system.apply(client.request);
      client.isApplied = true;
    } else {
      const { request, answer } = client;
      const type = client.isLost ? 'info' : answer === undefined ? 'fail' : 'ok';
      emit(client.process, type, request, type === 'ok' ? (answer as Value) : request.value);
      if (client.isLost) client.process = nextProcess++;
      client.request = null;
      busy--;
    }
  }
}

/** Two writes one after the other, and a read that sees the first. */
function violate(process: number, emit: Emit): void {
  const of = (f: string, value: Value): Request => ({ f, key: 0, value });
  for (const [f, asked, seen] of [
    ['write', 900_000_001, 900_000_001],
    ['write', 900_000_002, 900_000_002],
    ['read', null, 900_000_001],
    ['write', 1, 1],
  ] as const) {
    emit(process, 'invoke', of(f, asked), asked);
    emit(process, 'ok', of(f, asked), seen);
  }
}

function systemOf(shape: Shape, random: Random): System {
  switch (shape.kind) {
    case 'register':
      return registers(shape, random);
    case 'set':
      return set(shape, random);
    case 'queue':
      return queue(random);
    case 'list-append':
    case 'rw-register':
      return transactions(shape, random);
  }
}

function registers({ keys, values, reads, writes }: Shape, random: Random): System {
  const state: (number | null)[] = Array.from({ length: keys }, () => null);
  let written = 0;
  const fresh = () => (values === Infinity ? ++written : random.integer(1, values));
  return {
    ask() {
      const key = random.integer(0, keys - 1);
      const dice = random.float();
      if (dice < reads) return { f: 'read', key, value: null };
      if (dice < reads + writes) return { f: 'write', key, value: fresh() };
      const from = random.chance(0.5) ? (state[key] ?? 1) : random.integer(1, Math.min(values, written + 1));
      return { f: 'cas', key, value: [from, fresh()] };
    },
    apply({ f, key = 0, value }) {
      if (f === 'read') return state[key] ?? null;
      if (f === 'write') return (state[key] = value as number);
      const [from, to] = value as readonly [number, number];
      if (state[key] !== from) return undefined;
      state[key] = to;
      return value;
    },
  };
}

/** Each element is its own key, in or out. */
function set({ keys }: Shape, random: Random): System {
  const held = new Uint8Array(keys);
  return {
    ask: () => ({ f: random.pick(['has', 'add', 'rem']), key: random.integer(0, keys - 1), value: null }),
    apply({ f, key = 0 }) {
      const before = held[key] as number;
      if (f === 'has') return before;
      held[key] = f === 'add' ? 1 : 0;
      return f === 'add' ? 1 - before : before;
    },
  };
}

function queue(random: Random): System {
  const waiting: number[] = [];
  let taken = 0;
  let put = 0;
  return {
    ask: () => (random.chance(0.5) ? { f: 'deq', key: 0, value: null } : { f: 'enq', key: 0, value: ++put }),
    apply({ f, value }) {
      if (f === 'deq') return waiting[taken] === undefined ? null : (waiting[taken++] as number);
      waiting.push(value as number);
      return value;
    },
  };
}

function transactions({ kind, keys }: Shape, random: Random): System {
  const write = kind === 'list-append' ? 'append' : 'w';
  const state = new Map<number, number[]>();
  const active = Array.from({ length: keys }, (_, key) => ({ key, writes: 0 }));
  let nextKey = keys;
  const micro = (): Micro => {
    // Later ones twice as often as the one before, as Elle's generator has it.
    const place = Math.max(0, keys - 1 - Math.floor(random.exponential() / Math.LN2));
    let slot = active[place] as { key: number; writes: number };
    if (random.chance(0.5)) return ['r', slot.key, null];
    if (slot.writes === WRITES_A_KEY) active[place] = slot = { key: nextKey++, writes: 0 };
    return [write, slot.key, ++slot.writes];
  };
  const apply = ([f, key, value]: Micro): Micro => {
    const list = state.get(key) ?? [];
    if (f === 'r') return [f, key, kind === 'list-append' ? [...list] : (list.at(-1) ?? null)];
    state.set(key, [...list, value as number]);
    return [f, key, value];
  };
  return {
    ask: () => ({ f: 'txn', key: undefined, value: Array.from({ length: random.integer(1, 4) }, micro) }),
    apply: ({ value }) => (value as readonly Micro[]).map(apply),
  };
}
