/**
 * Ports for nodes and links of this machine, from below the ranges that operating systems give away by themselves:
 * so nobody else gets the port of a node while that node is down.
 */

import { createServer } from 'node:net';
import { Random } from '../../rig/random.ts';

const FIRST = 20_000;
const LAST = 31_999;
const TRIES = 64;

export class FreePorts {
  readonly #host: string;
  readonly #random: Random;
  readonly #given = new Set<number>();

  /** Runs of different ids try different ports. */
  constructor(host: string, runId: string) {
    this.#host = host;
    this.#random = new Random(runId).fork('ports');
  }

  /** Ports to try, none of them twice. */
  *candidates(): Generator<number, void> {
    for (let tries = 0; tries < TRIES; tries++) {
      const port = this.#random.integer(FIRST, LAST);
      if (this.#given.has(port)) continue;
      this.#given.add(port);
      yield port;
    }
  }

  /** A port on which one can listen now. Rejects with the way out if none is found. */
  async take(): Promise<number> {
    let reason: unknown;
    for (const port of this.candidates()) {
      try {
        await listenOnce(this.#host, port);
        return port;
      } catch (error) {
        reason = error;
      }
    }
    throw noPort(this.#host, reason);
  }
}

/** None of the ports tried was free, with the last reason. */
export function noPort(host: string, reason: unknown): Error {
  const last = reason instanceof Error ? reason.message : String(reason);
  return new Error(
    `no free port was found on ${host} between ${FIRST} and ${LAST} in ${TRIES} tries (the last: ${last}); ` +
      'end some of the programs that listen there',
    { cause: reason },
  );
}

function listenOnce(host: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(port, host, () => server.close(() => resolve()));
  });
}
