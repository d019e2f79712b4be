/**
 * One directed link of the network on 127.0.0.1: whatever `from` sends to a port of `to` passes through here, and so
 * can be kept from arriving. What a filter does to packets is done to the byte stream, so that both ends see what TCP
 * would show them:
 *
 * - Bytes of an existing connection stall, and arrive after the cut, as retransmitted ones would. What waits is
 *   bounded; then nothing more is read, and the sender's buffers fill like those of a peer without acknowledgements.
 * - A handshake needs both directions: while either is cut, nothing of a new connection arrives, and a caller who
 *   gives up before the cut ends has sent nothing. (From user space one cannot keep the kernel from accepting it.)
 * - A port where nobody listens refuses: the proxy stops listening as long as its target does.
 * - A way that rejects resets: a new connection as soon as it was accepted, an established one with its next bytes.
 */

import { createConnection, createServer, type Server, type Socket } from 'node:net';
import type { Random } from '../../rig/random.ts';
import type { Address } from './host.ts';
import type { Act } from './impairment.ts';
import { Pipe } from './pipe.ts';
import { Way } from './way.ts';

const MOST_CONNECTIONS = 1_024;
const LOOK_FOR_TARGET_MS = 25;

export class LinkProxy {
  readonly #target: Address;
  readonly #connections = new Set<Connection>();
  #address: Address;
  #server: Server | null = null;
  #looking: NodeJS.Timeout | null = null;
  #closed = false;
  /** To the target, and back. */
  readonly forth = new Way();
  readonly back = new Way();
  readonly #rng: Random;

  private constructor(target: Address, rng: Random) {
    this.#target = target;
    this.#rng = rng;
    this.#address = target;
  }

  /** Listens on the first port of `ports` that is free; rejects with the last reason if none is. */
  static async open(
    host: string,
    ports: Iterable<number> | AsyncIterable<number>,
    target: Address,
    rng: Random,
  ): Promise<LinkProxy> {
    const proxy = new LinkProxy(target, rng);
    let reason: unknown = new Error('no port was offered');
    for await (const port of ports) {
      try {
        proxy.#address = { host, port };
        await proxy.#listen();
        return proxy;
      } catch (error) {
        reason = error;
      }
    }
    throw reason;
  }

  get address(): Address {
    return this.#address;
  }

  /** What becomes of what travels each way, on connections that exist and those to come. */
  impair(forth: readonly Act[], back: readonly Act[]): void {
    this.forth.set(forth);
    this.back.set(back);
    // A port behind a cut does not refuse; it is silent.
    if (this.#isCut && !this.#server && !this.#closed) this.#listen().catch(() => {});
    for (const connection of this.#connections) connection.changed();
  }

  /** Resets every established connection, at both ends; says how many. */
  reset(): number {
    const established = [...this.#connections].filter((connection) => connection.isEstablished);
    for (const connection of established) connection.reset();
    return established.length;
  }

  get #isCut(): boolean {
    return this.forth.isShutToNew || this.back.isShut;
  }

  async close(): Promise<void> {
    this.#closed = true;
    if (this.#looking) clearTimeout(this.#looking);
    for (const connection of this.#connections) connection.destroy();
    await this.#refuse();
  }

  #listen(): Promise<void> {
    const server = createServer({ allowHalfOpen: true, noDelay: true }, (caller) => this.#accept(caller));
    server.maxConnections = MOST_CONNECTIONS;
    this.#server = server;
    return new Promise((resolve, reject) => {
      server.on('error', (error) => {
        if (this.#server === server) this.#server = null;
        reject(error);
      });
      server.listen(this.#address.port, this.#address.host, resolve);
    });
  }

  /** Stops listening; connections that exist go on. */
  async #refuse(): Promise<void> {
    const server = this.#server;
    this.#server = null;
    if (server) await new Promise<void>((resolve) => server.close(() => resolve()));
  }

  #accept(caller: Socket): void {
    const connection = new Connection(caller, this, this.#target, this.#rng, {
      ended: () => this.#connections.delete(connection),
      refused: () => this.#targetIsGone(),
    });
    this.#connections.add(connection);
    connection.changed();
  }

  #targetIsGone(): void {
    if (this.#closed) return;
    if (!this.#isCut) void this.#refuse();
    this.#looking ??= setTimeout(() => this.#lookForTarget(), LOOK_FOR_TARGET_MS);
  }

  #lookForTarget(): void {
    const again = () => {
      if (!this.#closed) this.#looking = setTimeout(() => this.#lookForTarget(), LOOK_FOR_TARGET_MS);
    };
    const probe = createConnection(this.#target.port, this.#target.host);
    probe.once('error', again);
    probe.once('connect', () => {
      probe.destroy();
      if (this.#closed) return;
      this.#looking = null;
      // Nobody else is given this port by the system; should a program have taken it, it is asked for again.
      if (!this.#server) this.#listen().catch(again);
    });
  }
}

interface Events {
  ended(): void;
  refused(): void;
}

class Connection {
  readonly #caller: Socket;
  readonly #ways: { readonly forth: Way; readonly back: Way };
  readonly #target: Address;
  readonly #events: Events;
  readonly #rng: Random;
  readonly #forth: Pipe;
  #back: Pipe | null = null;
  #answerer: Socket | null = null;
  #isEstablished = false;
  #isCounted = false;
  #handshake: NodeJS.Timeout | null = null;

  constructor(
    caller: Socket,
    ways: { readonly forth: Way; readonly back: Way },
    target: Address,
    rng: Random,
    events: Events,
  ) {
    this.#caller = caller;
    this.#ways = ways;
    this.#target = target;
    this.#rng = rng;
    this.#events = events;
    this.#forth = new Pipe(caller, ways.forth, rng, () => this.reset());
    caller.on('end', () => {
      if (!this.#answerer) this.destroy();
    });
    caller.on('close', () => this.#settle());
  }

  get isEstablished(): boolean {
    return this.#isEstablished;
  }

  /** The ways are not what they were, or are looked at for the first time. */
  changed(): void {
    const { forth, back } = this.#ways;
    if (this.#answerer) {
      this.#forth.changed();
      this.#back?.changed();
    } else if (forth.rejects) {
      forth.count('reject');
      this.reset();
    } else if (forth.isShutToNew || back.isShut) {
      if (!this.#isCounted) (forth.isShutToNew ? forth : back).countShut();
      this.#isCounted = true;
    } else this.#connectInTime();
  }

  reset(): void {
    this.#caller.resetAndDestroy();
    this.#answerer?.resetAndDestroy();
    this.destroy();
  }

  destroy(): void {
    if (this.#handshake) clearTimeout(this.#handshake);
    this.#forth.stop();
    this.#back?.stop();
    this.#caller.destroy();
    this.#answerer?.destroy();
    this.#events.ended();
  }

  /** A handshake takes as long as its packets do. */
  #connectInTime(): void {
    if (this.#handshake) clearTimeout(this.#handshake);
    const nowMs = performance.now();
    const ways = [this.#ways.forth, this.#ways.back].filter((way) => way.isSlow);
    const waitMs = ways.reduce((sum, way) => sum + way.dueMs(0, nowMs, 2 * this.#rng.float() - 1) - nowMs, 0);
    if (waitMs <= 0) return this.#connect();
    this.#handshake = setTimeout(() => this.#connect(), waitMs);
  }

  #connect(): void {
    const answerer = createConnection({ ...this.#target, allowHalfOpen: true, noDelay: true });
    this.#answerer = answerer;
    const refused = () => {
      this.#caller.resetAndDestroy();
      this.#events.ended();
      this.#events.refused();
    };
    answerer.once('error', refused);
    answerer.once('connect', () => {
      answerer.off('error', refused);
      this.#isEstablished = true;
      this.#back = new Pipe(answerer, this.#ways.back, this.#rng, () => this.reset());
      this.#back.into(this.#caller);
      this.#forth.into(answerer);
      answerer.on('close', () => this.#settle());
      this.#settle();
    });
  }

  #settle(): void {
    if (this.#caller.destroyed && (this.#answerer?.destroyed ?? true)) this.#events.ended();
  }
}
