/**
 * For tests: what clients of a correct system would record, with some answers then made wrong, since nearly legal is
 * where judges err. Some outcomes are unknown: at once, later, or never in effect.
 */

import type { HistoryEvent, Input, Json } from '../../rig/contract.ts';
import { History } from '../../rig/history.ts';
import type { Random } from '../../rig/random.ts';

/** A data type to be simulated, one step at a time. */
export interface System<State> {
  readonly initial: State;
  ask(rng: Random, state: State): Input;
  /** The state after it, and what the client sees; `undefined`: it is refused, and nothing changes. */
  perform(state: State, input: Input): readonly [State, Json | undefined];
  /** An answer that might be wrong. */
  wrong(rng: Random, input: Input, state: State): Json;
}

export interface Regime {
  readonly operations: number;
  readonly clients: number;
  /** Shares of operations. */
  readonly unknown: number;
  readonly wrong: number;
}

interface Client {
  process: number;
  input: Input | null;
  end: object | null;
}

export function simulated<State>(rng: Random, system: System<State>, regime: Regime): History {
  const { operations, clients, unknown, wrong } = regime;
  const events: object[] = [];
  let state = system.initial;
  let fresh = clients;
  const late: Input[] = [];
  const perform = (input: Input): object => {
    const [next, output] = system.perform(state, input);
    state = next;
    if (output === undefined) return { type: 'fail', error: 'cas-mismatch' };
    return { type: 'ok', output: rng.chance(wrong) ? system.wrong(rng, input, state) : output };
  };
  const running = Array.from({ length: clients }, (_, process): Client => ({ process, input: null, end: null }));
  for (let asked = 0; asked < operations || running.some(({ input }) => input); ) {
    if (late.length > 0 && rng.chance(0.03)) perform(late.shift() as Input);
    const client = rng.pick(running);
    if (client.input === null) {
      if (asked++ >= operations) continue;
      client.input = system.ask(rng, state);
      events.push({ type: 'invoke', process: client.process, input: client.input });
    } else if (client.end === null) {
      const isLost = rng.chance(unknown);
      const fate = rng.float();
      if (!isLost || fate < 0.5) client.end = perform(client.input);
      else if (fate < 0.75) late.push(client.input);
      if (isLost) client.end = { type: 'info', error: 'timeout' };
    } else {
      const isLost = 'error' in client.end && client.end.error === 'timeout';
      // A client that crashed says nothing at all.
      if (!isLost || rng.chance(0.5)) events.push({ ...client.end, process: client.process });
      if (isLost) client.process = fresh++;
      client.input = null;
      client.end = null;
    }
  }
  return historyOf(events);
}

/** Events in order, all at one time. */
export const historyOf = (events: readonly object[]): History =>
  new History(events.map((event, index) => ({ ...event, index, timeNs: 0, node: 'n1' }) as HistoryEvent));
