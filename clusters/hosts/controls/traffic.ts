/** The control `traffic`: rules for requests between clients and nodes, carried out by the rig's own proxies. */

import type { Evidence, TrafficControl } from '../../../rig/contract.ts';
import type { Traffic } from '../../traffic/traffic.ts';
import type { Change, Control } from './control.ts';
import type { Wanted } from './wishes.ts';

export class TrafficRules implements Control<'traffic'> {
  readonly name = 'traffic';
  readonly isApart = true;
  readonly wishes: Wanted;
  readonly #traffic: Traffic;

  constructor(traffic: Traffic) {
    this.#traffic = traffic;
    this.wishes = { release: () => new Set(), releaseAll: () => void traffic.releaseAll() };
  }

  levers(hold: string, change: Change): TrafficControl {
    return { apply: (rule) => change([], () => this.#traffic.apply(hold, rule)) };
  }

  async agree(): Promise<void> {
    // Rules are in force as soon as they are noted.
  }

  settle(hold: string): Promise<void> {
    return this.#traffic.release(hold);
  }

  async evidence(hold: string): Promise<Evidence | null> {
    return this.#traffic.evidence(hold);
  }

  close(): Promise<void> {
    return this.#traffic.close();
  }
}
