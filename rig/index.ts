/** What a plug-in or a script imports from `ordeal`: the words, and the functions that define, read and judge. */

export { budgetOf } from './budget.ts';
export type * from './contract.ts';
export {
  defineChecker,
  defineCluster,
  defineHttpService,
  defineNemesis,
  defineWorkload,
  invalid,
  Refused,
  RequestError,
  unknown,
  valid,
} from './define.ts';
export { readAnyHistory } from './formats.ts';
export { FAIL, History, INFO, NEVER, OK } from './history.ts';
export { Random } from './random.ts';
export type * from './service-definition.ts';
