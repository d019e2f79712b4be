/**
 * Locks that give each holder a higher token than the one before, and take it back with the release. The tokens are the
 * order in which the lock was held, and it remains to be seen that real time agrees with it.
 */

import { NEVER } from '../../rig/recording.ts';
import type { Columns, Decision, Evidence, Monitor } from './monitor.ts';

export const [ACQUIRE, RELEASE] = [0, 1] as const;

/** All about one token. */
interface Tenure {
  readonly token: number;
  readonly acquired: number[];
  /** Releases of known outcome, and the one of unknown outcome that began first. */
  readonly released: number[];
  unknown: number;
}

class FencedLockMonitor implements Monitor {
  readonly roles: Readonly<Record<string, number>>;
  readonly argument = 'token';

  constructor(roles: Readonly<Record<string, number>>) {
    this.roles = roles;
  }

  decide(operations: Columns, from: number, to: number): Decision {
    const tenures = tenuresOf(operations, from, to);
    if (!tenures) return 'inapplicable';
    const { call, end } = operations;
    /** Of what must precede, the operation that began last. */
    let latest = -1;
    const follows = (x: number): Evidence | null => {
      if (latest >= 0 && (end[x] as number) < (call[latest] as number)) return [latest, x];
      if (latest < 0 || (call[x] as number) > (call[latest] as number)) latest = x;
      return null;
    };
    for (const [at, { acquired, released, unknown }] of tenures.entries()) {
      const [acquisition, again] = acquired;
      // Whose acquisition nobody heard of, may have been anybody's.
      if (acquisition === undefined) return 'inapplicable';
      if (again !== undefined) return [acquisition, again];
      const [release = unknown, another] = released;
      if (another !== undefined) return [acquisition, release, another];
      const late = follows(acquisition) ?? (release < 0 ? null : follows(release));
      if (late) return withTenures(tenures, late);
      const next = tenures[at + 1];
      if (release < 0 && next)
        return next.acquired.length === 0 ? 'inapplicable' : [acquisition, next.acquired[0] as number];
    }
    return 'legal';
  }
}

/** Token by token, in their order; `null` if something has no number for a token. */
function tenuresOf(operations: Columns, from: number, to: number): readonly Tenure[] | null {
  const { role, value, output, end } = operations;
  const tenures = new Map<number, Tenure>();
  for (let x = from; x < to; x++) {
    if (role[x] !== ACQUIRE && role[x] !== RELEASE) return null;
    // An acquisition of unknown outcome that nobody releases need not have happened.
    if (role[x] === ACQUIRE && end[x] === NEVER) continue;
    const token = operations.valueOf((role[x] === ACQUIRE ? output[x] : value[x]) as number);
    if (typeof token !== 'number') return null;
    let tenure = tenures.get(token);
    if (!tenure) tenures.set(token, (tenure = { token, acquired: [], released: [], unknown: -1 }));
    if (role[x] === ACQUIRE) tenure.acquired.push(x);
    else if (end[x] !== NEVER) tenure.released.push(x);
    else if (tenure.unknown < 0) tenure.unknown = x;
  }
  return [...tenures.values()].sort((a, b) => a.token - b.token);
}

/** With all there is about the tokens of these operations and of those between them. */
function withTenures(tenures: readonly Tenure[], operations: Evidence): Evidence {
  const all = tenures.map(({ acquired, released, unknown }) => [
    ...acquired,
    ...released,
    ...(unknown < 0 ? [] : [unknown]),
  ]);
  const places = operations.map((x) => all.findIndex((of) => of.includes(x)));
  return all
    .slice(Math.min(...places), Math.max(...places) + 1)
    .flat()
    .sort((a, b) => a - b);
}

export const fencedLockMonitor = (roles: Readonly<Record<string, number>>): Monitor => new FencedLockMonitor(roles);
