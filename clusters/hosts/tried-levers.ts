/**
 * Which levers a suite of tests has pulled on a cluster and let go of again, so that it can tell which it forgot. A test that
 * pulled one has `pullsLevers` in its `meta`: if levers do nothing, which is a mutant of this file, each of these must fail.
 */

import { getCurrentTest } from 'vitest/suite';
import type { ControlName, Controls, RunningCluster } from '../../rig/contract.ts';
import type { LabDriver } from './host.ts';

export class TriedLevers {
  /** hold → the levers pulled under it. */
  readonly #pulled = new Map<string, Set<string>>();
  readonly #released = new Set<string>();

  /** The same cluster; what is done to it is noted. */
  watching(cluster: RunningCluster): RunningCluster {
    return new Proxy(cluster, {
      get: (target, name) => {
        if (name === 'controls') return (hold: string) => this.#noting(hold, target.controls(hold));
        if (name === 'release')
          return async (hold: string) => {
            await target.release(hold);
            this.#released.add(hold);
          };
        const member: unknown = Reflect.get(target, name, target);
        return typeof member === 'function' ? (member.bind(target) as unknown) : member;
      },
    });
  }

  /** Of these controls of the cluster, what can be had on that host and was not both pulled and released. */
  async forgotten(
    cluster: RunningCluster,
    driver: LabDriver,
    controls: readonly ControlName[],
  ): Promise<readonly string[]> {
    const lacks = await driver.lacks();
    const tried = new Set([...this.#released].flatMap((hold) => [...(this.#pulled.get(hold) ?? [])]));
    const all = cluster.controls('to look') as Controls;
    return controls
      .flatMap((control) => Object.keys(all[control]).map((lever) => `${control}.${lever}`))
      .filter((lever) => lacks[lever] === undefined && !tried.has(lever));
  }

  #noting(hold: string, controls: Partial<Controls>): Partial<Controls> {
    const noted = (control: string, levers: object) =>
      new Proxy(levers, {
        get: (target, lever) => {
          this.#pulled.set(hold, (this.#pulled.get(hold) ?? new Set()).add(`${control}.${String(lever)}`));
          Object.assign(getCurrentTest()?.meta ?? {}, { pullsLevers: true });
          return Reflect.get(target, lever) as unknown;
        },
      });
    return Object.fromEntries(
      Object.entries(controls).map(([control, levers]) => [control, noted(control, levers as object)]),
    );
  }
}
