/** The control `traffic`: rules for requests between clients and nodes, carried out by the rig's own proxies. */

import type { Evidence, Party, TrafficControl } from '../../../rig/contract.ts';
import type { Traffic } from '../../traffic/traffic.ts';
import type { Change, Control } from './control.ts';

export class TrafficRules implements Control<'traffic'> {
  readonly name = 'traffic';
  readonly isApart = true;
  readonly #traffic: Traffic;

  constructor(traffic: Traffic) {
    this.#traffic = traffic;
  }

  levers(hold: string, change: Change): TrafficControl {
    return { apply: (rule) => change([], () => this.#traffic.apply(hold, rule)) };
  }

  async agree(): Promise<void> {
    // Rules are in force as soon as they are noted.
  }

  release(): ReadonlySet<Party> {
    return new Set();
  }

  settle(hold: string): Promise<void> {
    return this.#traffic.release(hold);
  }

  async evidence(hold: string): Promise<Evidence | null> {
    return this.#traffic.evidence(hold);
  }

  releaseAll(): void {
    void this.#traffic.releaseAll();
  }

  close(): Promise<void> {
    return this.#traffic.close();
  }
}
