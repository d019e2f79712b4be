/** Why a partition has no legal order, for a person: the operations around the point where every order fails. */

import type { Anomaly, Budget, Input, Json } from '../rig/contract.ts';
import type { History } from '../rig/history.ts';
import type { Partition } from './search/problem.ts';
import type { Search } from './search/search.ts';

export function explain<State, In extends Input, Out extends Json>(
  history: History<In, Out>,
  { problem, transitions }: Partition<State, In, Out>,
  search: Search,
  _sparing: boolean,
  _budget: Budget,
): Anomaly {
  const at = problem.at[search.blocked] as number;
  const operation = history.operation(at);
  return {
    name: 'nonlinearizable',
    explanation: `${transitions.model.describe(operation.input, history.output(at))} (operation ${operation.index}) cannot be placed`,
    witnesses: [operation.index],
  };
}
