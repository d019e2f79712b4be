/**
 * The gate in front of the embedded store: a file beside it that says which processes cannot reach it, and whether its
 * copy stands still. Every entry has an end, so what nobody takes back ends by itself. Written by the rig, read here.
 */

import { existsSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';

/** Unix time in milliseconds until which it is so. */
export interface GateState {
  /** By hold: who cannot reach the store, or, with `all`, no copy of it either. */
  readonly outages: Readonly<Record<string, { nodes: readonly string[]; all: boolean; untilMs: number }>>;
  /** By hold: until when the copy stands still. */
  readonly lags: Readonly<Record<string, number>>;
}

const OPEN: GateState = { outages: {}, lags: {} };
const FILE = 'gate.json';

/** What is so now for that process: whether the store is shut, its copy is shut, and the copy stands still. */
export interface Passage {
  readonly store: boolean;
  readonly copy: boolean;
  readonly isLagging: boolean;
}

/** As one process of the service sees it. */
export class Gate {
  readonly #file: string;
  readonly #node: string;
  #state = OPEN;
  #version = '';

  constructor(folder: string, node: string) {
    this.#file = path.join(folder, FILE);
    this.#node = node;
  }

  look(): Passage {
    this.#read();
    const { outages, lags } = this.#state;
    // The rig wrote the ends: another process, so it is the wall clock.
    const now = Date.now();
    const mine = Object.values(outages).filter(({ nodes, untilMs }) => untilMs > now && nodes.includes(this.#node));
    return {
      store: mine.length === 0,
      copy: !mine.some(({ all }) => all),
      isLagging: Object.values(lags).some((untilMs) => untilMs > now),
    };
  }

  #read(): void {
    const found = statSync(this.#file, { throwIfNoEntry: false });
    const version = found ? `${found.ino} ${found.mtimeMs}` : '';
    if (version === this.#version) return;
    this.#state = found ? stateIn(this.#file) : OPEN;
    this.#version = version;
  }
}

function stateIn(file: string): GateState {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as GateState;
  } catch {
    return OPEN; // It went away just now.
  }
}

/** Changes what the file in that folder says; all at once. */
export function changeGate(folder: string, change: (state: GateState) => GateState): void {
  const file = path.join(folder, FILE);
  const state = change(existsSync(file) ? stateIn(file) : OPEN);
  if (Object.keys({ ...state.outages, ...state.lags }).length === 0) return rmSync(file, { force: true });
  writeFileSync(`${file}.new`, JSON.stringify(state));
  renameSync(`${file}.new`, file);
}
