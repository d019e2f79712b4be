/**
 * The control `descriptors`: how many files and connections each process of a node may have open (`prlimit`). Only the
 * soft limit is moved, so that it can be moved back without any privilege; a watchdog moves it back up to the hard one.
 */

import type { DescriptorControl, Evidence, NodeId, Party } from '../../../rig/contract.ts';
import { descriptorsOf } from '../process-table.ts';
import { runCommand } from '../run-command.ts';
import { type Bench, type Change, type Control, evidenceOf, mustBeOneOf } from './control.ts';
import { Wishes } from './wishes.ts';

export class Descriptors implements Control<'descriptors'> {
  readonly name = 'descriptors';
  readonly mayEndNodes = true;
  readonly wishes = new Wishes<number>();
  readonly #bench: Bench;
  /** process → the soft limit that it had, and what it is now, with how many it had then. */
  readonly #changed = new Map<number, { readonly node: NodeId; readonly before: number; readonly limit: number }>();
  /** hold → what was seen in force. */
  readonly #seen = new Map<string, string[]>();

  constructor(bench: Bench) {
    this.#bench = bench;
  }

  levers(hold: string, change: Change): DescriptorControl {
    return {
      limit: async (nodes, spare) => {
        for (const node of nodes) mustBeOneOf(node, this.#bench.members, 'kept from opening files');
        await change(nodes, () => {
          for (const node of nodes) this.wishes.add(hold, node, spare);
        });
      },
    };
  }

  async agree(node: Party): Promise<void> {
    const wishes = this.wishes.of(node);
    if (wishes.length === 0 && ![...this.#changed.values()].some((change) => change.node === node)) return;
    const processes = await this.#bench.lab.processes(node);
    if (wishes.length > 0 && processes.length > 0) return this.#limit(node, processes, Math.min(...wishes));
    for (const [pid, { before }] of [...this.#changed].filter(([, change]) => change.node === node)) {
      const free = () => setSoftLimit(pid, before);
      if (processes.includes(pid)) await this.#bench.lab.guard.mend(node, argvOf(pid, before), free);
      this.#changed.delete(pid);
    }
  }

  async #limit(node: NodeId, processes: readonly number[], spare: number): Promise<void> {
    const seen: string[] = [];
    for (const pid of processes) {
      const found = descriptorsOf(pid);
      if (!found) continue; // It has ended.
      const limit = this.#changed.get(pid)?.limit ?? Math.min(found.soft, found.open + spare);
      this.#changed.set(pid, { node, before: this.#changed.get(pid)?.before ?? found.soft, limit });
      const set = () => setSoftLimit(pid, limit);
      if (found.soft !== limit) await this.#bench.lab.guard.disturb(node, argvOf(pid, limit), set);
      seen.push(`process ${pid} of ${node} can have no more than ${limit} descriptors, ${found.open} were open`);
    }
    for (const hold of this.wishes.holding(node))
      if (!this.#seen.get(hold)?.some((line) => line.includes(` of ${node} `)))
        this.#seen.set(hold, [...(this.#seen.get(hold) ?? []), ...seen]);
  }

  async evidence(hold: string): Promise<Evidence | null> {
    if (this.wishes.touched(hold).size === 0) return null;
    const seen = this.#seen.get(hold) ?? [];
    return evidenceOf(seen, 'no process was there to be limited');
  }
}

const argvOf = (pid: number, soft: number): readonly [string, ...string[]] => [
  'prlimit',
  `--pid=${pid}`,
  `--nofile=${soft}:`,
];

/** Sets it and reads it back. */
async function setSoftLimit(pid: number, soft: number): Promise<void> {
  try {
    await runCommand(argvOf(pid, soft));
  } catch (error) {
    if (descriptorsOf(pid)) throw error;
  }
  const found = descriptorsOf(pid);
  if (found && found.soft !== soft)
    throw new Error(`process ${pid} may have ${found.soft} descriptors instead of ${soft}`);
}

/** Gives these processes all the descriptors that they may have; a line for each that had fewer. */
export async function freeDescriptors(processes: readonly number[]): Promise<readonly string[]> {
  const undone: string[] = [];
  for (const pid of processes) {
    const found = descriptorsOf(pid);
    if (!found || found.soft >= found.hard) continue;
    await setSoftLimit(pid, found.hard);
    undone.push(`the descriptors of process ${pid}`);
  }
  return undone;
}
