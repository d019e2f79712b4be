/**
 * Ports for nodes and links of this machine, from below the ranges that operating systems give away by themselves.
 * A port is kept for as long as the run has use for it, by holding the UDP port of the same number: nobody listens
 * on it while its node is down or its link refuses, neither this rig nor another one.
 */

import { createSocket, type Socket } from 'node:dgram';
import { createServer } from 'node:net';
import { Random } from '../../rig/random.ts';

const FIRST = 20_000;
const LAST = 31_999;
const TRIES = 64;

export class FreePorts {
  readonly #host: string;
  readonly #random: Random;
  readonly #kept: Socket[] = [];

  /** Runs of different ids try different ports. */
  constructor(host: string, runId: string) {
    this.#host = host;
    this.#random = new Random(runId).fork('ports');
  }

  /** Ports to try, each of them kept from now on. */
  async *candidates(): AsyncGenerator<number, void> {
    for (let tries = 0; tries < TRIES; tries++) {
      const port = this.#random.integer(FIRST, LAST);
      const keeper = await keep(this.#host, port);
      if (!keeper) continue;
      this.#kept.push(keeper);
      yield port;
    }
  }

  /** Keeps none of them any longer. */
  free(): void {
    for (const keeper of this.#kept.splice(0)) keeper.close();
  }

  /** A port on which one can listen now. Rejects with the way out if none is found. */
  async take(): Promise<number> {
    let reason: unknown;
    for await (const port of this.candidates()) {
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

/** Holds the UDP port; `null` if somebody else does. */
function keep(host: string, port: number): Promise<Socket | null> {
  const socket = createSocket('udp4').unref();
  return new Promise((resolve) => {
    socket.once('error', () => {
      socket.close();
      resolve(null);
    });
    socket.bind({ address: host, port, exclusive: true }, () => resolve(socket));
  });
}

function listenOnce(host: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(port, host, () => server.close(() => resolve()));
  });
}
