/** Who wrote each value of each register, and when: what validators of registers with unique values stand on. */

import type { Json } from '../../rig/contract.ts';
import { FAIL, type History, OK } from '../../rig/history.ts';
import type { RegisterInput, RegisterOutput } from '../models/register.ts';
import { Values } from '../values.ts';

export type RegisterHistory = History<RegisterInput, RegisterOutput>;

/** A write that may have taken effect. Indices are of events; `until` is `Infinity` if it was not acknowledged. */
export interface Write {
  readonly at: number;
  readonly value: Json;
  readonly from: number;
  readonly until: number;
}

/** One key: its writes in the order of invocation, its reads that were answered, likewise. */
export interface Register {
  readonly key: Json;
  readonly writes: Write[];
  /** Positions. */
  readonly reads: number[];
  /** The write of each value; `null` is written by nobody. */
  readonly writeOf: (value: Json) => Write | undefined;
  /** False if a value was written twice or `null` was written: which write a read saw is then not known. */
  isUnique: boolean;
}

/** What a write or swap writes; `null` deletes. */
export const writtenBy = (input: RegisterInput): Json =>
  (input.f === 'cas' ? input.to : input.f === 'write' ? input.value : null) ?? null;

/** Histories from elsewhere may know other functions: they are passed over. */
export const isChange = ({ f }: RegisterInput): boolean => f === 'write' || f === 'cas';

/** By key, in the order of first use. Of a swap that happened only the write is told. */
export function registersIn(history: RegisterHistory): readonly Register[] {
  const keys = new Values();
  const registers: (Register & { readonly values: Values })[] = [];
  for (let at = 0; at < history.length; at++) {
    const input = history.input(at);
    const number = keys.of(input.key ?? null);
    if (number === registers.length) registers.push(empty(input.key ?? null));
    const register = registers[number] as (typeof registers)[number];
    const type = history.type[at];
    if (input.f === 'read') {
      if (type === OK) register.reads.push(at);
      continue;
    }
    if (!isChange(input) || type === FAIL || history.output(at) === false) continue;
    const value = writtenBy(input);
    if (value === null || register.values.of(value) < register.writes.length) register.isUnique = false;
    else {
      const until = type === OK ? (history.completeIndex[at] as number) : Infinity;
      register.writes.push({ at, value, from: history.invokeIndex[at] as number, until });
    }
  }
  return registers;
}

function empty(key: Json): Register & { readonly values: Values } {
  const values = new Values();
  const writes: Write[] = [];
  const writeOf = (value: Json) => {
    const number = values.find(value);
    return number === undefined ? undefined : writes[number];
  };
  return { key, values, writes, reads: [], writeOf, isUnique: true };
}
