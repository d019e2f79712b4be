/** The sequential specifications that `ordeal check --model` knows by name. */

import type { Input, Json, Model } from '../../rig/contract.ts';
import { casRegister } from './cas-register.ts';
import { kvAppend } from './kv-append.ts';
import { mutex } from './mutex.ts';
import { register } from './register.ts';

/** A model whose state is its own secret. */
export type AnyModel = Model<Json, Input, Json>;

const all = [casRegister, kvAppend, mutex, register] as readonly unknown[] as readonly AnyModel[];

export const models: Readonly<Record<string, AnyModel>> = Object.fromEntries(all.map((model) => [model.name, model]));
