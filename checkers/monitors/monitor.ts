/**
 * What a monitor is: an algorithm that decides in near-linear time whether one partition has a legal order, for one
 * data type, where its operations meet what it asks of them (e.g. that values are unique).
 */

import type { Json } from '../../rig/contract.ts';

/** Operations in columns, each entry one of them, in the order of invocation; partitions stand one after the other. */
export interface Columns {
  /** What the function is to the monitor. */
  readonly role: Uint8Array;
  // Codes; equal ones mean equal values.
  /** The input's `value`, or `from`. */
  readonly value: Int32Array;
  /** The input's `to`; empty where no operation has one. */
  readonly to: Int32Array;
  /** What was observed, by refusals too; `ABSENT` for what nobody saw. */
  readonly output: Int32Array;
  /** The rank of the invocation among the partition's own events. */
  readonly call: Int32Array;
  /** The rank of the completion; `NEVER` for an operation that may take effect at any time, or not at all. */
  readonly end: Int32Array;
  /** The value of a code; `undefined` for `ABSENT`. */
  valueOf(code: number): Json | undefined;
}

/** Operations that have no legal order by themselves: few, and a proof for the whole. */
export type Evidence = readonly number[];

/** `inapplicable`: it cannot tell, and a search must. */
export type Decision = 'legal' | 'inapplicable' | Evidence;

export interface Monitor {
  /** What each function of the model is to the monitor. Operations in any other form have the role `OTHER`. */
  readonly roles: Readonly<Record<string, number>>;
  /** The argument whose code stands in `value`, where it is another than the input's `value` or `from`. */
  readonly argument?: string;
  /** Decides the operations from `from` until before `to`, a partition or what began first of it. */
  decide(operations: Columns, from: number, to: number): Decision;
}

/** A model that has a monitor. */
export interface Monitored {
  readonly monitor?: Monitor;
}

/** Gives a model its monitor. It is not copied with the model, whose step or initial state may be another there. */
export const monitored = <M extends object>(model: M, monitor: Monitor): M & Monitored =>
  Object.defineProperty({ ...model }, 'monitor', { value: monitor });

/** The role of what no monitor knows. */
export const OTHER = 255;

export const isEvidence = (decision: Decision): decision is Evidence => typeof decision !== 'string';
