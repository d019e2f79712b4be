/** The sequential specifications that `ordeal check --model` knows by name. */

import type { Input, Json, Model } from '../../rig/contract.ts';
import type { Monitored } from '../monitors/monitor.ts';
import { append } from './append.ts';
import { casRegister } from './cas-register.ts';
import { counter } from './counter.ts';
import { kvAppend } from './kv-append.ts';
import { kvVersions } from './kv-versions.ts';
import { multiRegister } from './multi-register.ts';
import { fencedMutex, mutex, reentrantMutex } from './mutexes.ts';
import { fifoQueue, stack, unorderedQueue } from './queues.ts';
import { register } from './register.ts';
import { maxRegister, monotonicRegister } from './rising-registers.ts';
import { set } from './set.ts';

/** A model whose state is its own secret. */
export type AnyModel = Model<Json, Input, Json> & Monitored;

const all = [
  append,
  casRegister,
  counter,
  fencedMutex,
  fifoQueue,
  kvAppend,
  kvVersions,
  maxRegister,
  monotonicRegister,
  multiRegister,
  mutex,
  reentrantMutex,
  register,
  set,
  stack,
  unorderedQueue,
] as readonly unknown[] as readonly AnyModel[];

export const models: Readonly<Record<string, AnyModel>> = Object.fromEntries(all.map((model) => [model.name, model]));
