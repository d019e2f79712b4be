/**
 * What clients talk to instead of a node: a port of the rig's own, on 127.0.0.1, behind which every request passes.
 * A node where nobody listens refuses here too: the proxy stops listening as long as its target does.
 */

import { createConnection, createServer, type Server, type Socket } from 'node:net';
import type { Address } from '../hosts/host.ts';
import { Connection } from './connection.ts';
import type { Place } from './place.ts';

const HOST = '127.0.0.1';
const MOST_CONNECTIONS = 1_024;
const LOOK_FOR_TARGET_MS = 25;
const LOOK_PATIENCE_MS = 1_000;

export class TrafficProxy {
  readonly #place: Place;
  readonly #connections = new Set<Connection>();
  #port = 0;
  #server: Server | null = null;
  #isLooking = false;
  #closed = false;

  private constructor(place: Place) {
    this.#place = place;
  }

  /** Listens on the first port that is free; rejects with the last reason if none is. */
  static async open(place: Place, ports: Iterable<number> | AsyncIterable<number>): Promise<TrafficProxy> {
    const proxy = new TrafficProxy(place);
    let reason: unknown = new Error('no port was offered');
    for await (const port of ports) {
      try {
        await proxy.#listen(port);
        return proxy;
      } catch (error) {
        reason = error;
      }
    }
    throw reason;
  }

  get address(): Address {
    return { host: HOST, port: this.#port };
  }

  async close(): Promise<void> {
    this.#closed = true;
    for (const connection of this.#connections) connection.destroy();
    await this.#refuse();
  }

  #listen(port: number): Promise<void> {
    const server = createServer({ allowHalfOpen: true, noDelay: true }, (caller) => this.#accept(caller));
    server.maxConnections = MOST_CONNECTIONS;
    this.#port = port;
    this.#server = server;
    return new Promise((resolve, reject) => {
      server.on('error', (error) => {
        if (this.#server === server) this.#server = null;
        reject(error);
      });
      server.listen(port, HOST, resolve);
    });
  }

  /** Stops listening; connections that exist go on. */
  async #refuse(): Promise<void> {
    const server = this.#server;
    this.#server = null;
    if (server) await new Promise<void>((resolve) => server.close(() => resolve()));
  }

  #accept(caller: Socket): void {
    const connection = new Connection(caller, this.#place, {
      ended: () => this.#connections.delete(connection),
      refused: () => this.#targetIsGone(),
    });
    this.#connections.add(connection);
  }

  #targetIsGone(): void {
    if (this.#closed || this.#isLooking) return;
    this.#isLooking = true;
    void this.#refuse();
    this.#lookAgain();
  }

  #lookAgain(): void {
    this.#place.clock.after(LOOK_FOR_TARGET_MS, () => {
      if (!this.#closed) this.#look();
    });
  }

  #look(): void {
    const probe = createConnection(this.#place.target);
    const giveUp = this.#place.clock.after(LOOK_PATIENCE_MS, () => probe.destroy(new Error('no answer')));
    probe.once('error', () => {
      giveUp();
      this.#lookAgain();
    });
    probe.once('connect', () => {
      giveUp();
      probe.destroy();
      this.#isLooking = false;
      // Nobody else is given this port by the system; should a program have taken it, it is asked for again.
      this.#listen(this.#port).catch(() => {
        this.#isLooking = true;
        this.#lookAgain();
      });
    });
  }
}
