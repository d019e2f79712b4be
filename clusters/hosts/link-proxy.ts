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
 */

import { createConnection, createServer, type Server, type Socket } from 'node:net';
import type { Address } from './host.ts';

/** Of one direction of one connection. */
const MOST_WAITING_BYTES = 256 * 1024;
const MOST_CONNECTIONS = 1_024;
const LOOK_FOR_TARGET_MS = 25;

export class LinkProxy {
  readonly #target: Address;
  readonly #connections = new Set<Connection>();
  #address: Address;
  #server: Server | null = null;
  #looking: NodeJS.Timeout | null = null;
  #closed = false;
  #forth = false;
  #back = false;
  /** Chunks and connections kept from arriving: on the way to the target, and on the way back. */
  readonly unheard = { forth: 0, back: 0 };

  private constructor(target: Address) {
    this.#target = target;
    this.#address = target;
  }

  /** Listens on the first port of `ports` that is free; rejects with the last reason if none is. */
  static async open(
    host: string,
    ports: Iterable<number> | AsyncIterable<number>,
    target: Address,
  ): Promise<LinkProxy> {
    const proxy = new LinkProxy(target);
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

  /** Cuts the way to the target, the way back, both or none, for connections that exist and those to come. */
  cut(forth: boolean, back: boolean): void {
    this.#forth = forth;
    this.#back = back;
    // A port behind a cut does not refuse; it is silent.
    if ((forth || back) && !this.#server && !this.#closed) this.#listen().catch(() => {});
    for (const connection of this.#connections) connection.cut(forth, back);
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
    const connection = new Connection(caller, this.#target, this.unheard, {
      ended: () => this.#connections.delete(connection),
      refused: () => this.#targetIsGone(),
    });
    this.#connections.add(connection);
    connection.cut(this.#forth, this.#back);
  }

  #targetIsGone(): void {
    if (this.#closed) return;
    if (!this.#forth && !this.#back) void this.#refuse();
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
  readonly #target: Address;
  readonly #unheard: { forth: number; back: number };
  readonly #events: Events;
  readonly #forth: Pipe;
  #back: Pipe | null = null;
  #answerer: Socket | null = null;
  /** `null` until it was told. */
  #cut: { readonly forth: boolean; readonly back: boolean } | null = null;

  constructor(caller: Socket, target: Address, unheard: { forth: number; back: number }, events: Events) {
    this.#caller = caller;
    this.#target = target;
    this.#unheard = unheard;
    this.#events = events;
    this.#forth = new Pipe(caller, () => unheard.forth++);
    caller.on('end', () => {
      if (!this.#answerer) this.destroy();
    });
    caller.on('close', () => this.#settle());
  }

  cut(forth: boolean, back: boolean): void {
    const isNew = this.#cut === null;
    this.#cut = { forth, back };
    if (this.#answerer) {
      this.#forth.cut(forth);
      this.#back?.cut(back);
    } else if (forth || back) {
      if (isNew) this.#unheard[forth ? 'forth' : 'back']++;
    } else {
      this.#connect();
    }
  }

  destroy(): void {
    this.#caller.destroy();
    this.#answerer?.destroy();
    this.#events.ended();
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
      this.#back = new Pipe(answerer, () => this.#unheard.back++);
      this.#back.into(this.#caller, this.#cut?.back ?? false);
      this.#forth.into(answerer, this.#cut?.forth ?? false);
      answerer.on('close', () => this.#settle());
      this.#settle();
    });
  }

  #settle(): void {
    if (this.#caller.destroyed && (this.#answerer?.destroyed ?? true)) this.#events.ended();
  }
}

/** One direction of a connection. Until it has a sink, and while it is cut, what comes in waits. */
class Pipe {
  readonly #source: Socket;
  readonly #unheard: () => void;
  #sink: Socket | null = null;
  #open = false;
  #waiting: Buffer[] = [];
  #waitingBytes = 0;
  #end: 'finished' | 'reset' | null = null;

  constructor(source: Socket, unheard: () => void) {
    this.#source = source;
    this.#unheard = unheard;
    source.on('data', (chunk: Buffer) => this.#take(chunk));
    source.on('end', () => this.#finish('finished'));
    source.on('error', () => this.#finish('reset'));
    source.on('close', () => this.#finish('reset'));
  }

  into(sink: Socket, cut: boolean): void {
    this.#sink = sink;
    sink.on('drain', () => {
      if (this.#waitingBytes < MOST_WAITING_BYTES) this.#source.resume();
    });
    this.cut(cut);
  }

  cut(cut: boolean): void {
    this.#open = !cut && this.#sink !== null;
    if (!this.#open) return;
    const waiting = this.#waiting;
    this.#waiting = [];
    this.#waitingBytes = 0;
    let drained = true;
    for (const chunk of waiting) drained = this.#write(chunk);
    if (this.#end) this.#passOn(this.#end);
    else if (drained) this.#source.resume();
  }

  #take(chunk: Buffer): void {
    if (this.#open) {
      if (!this.#write(chunk)) this.#source.pause();
      return;
    }
    if (this.#sink) this.#unheard();
    this.#waiting.push(chunk);
    this.#waitingBytes += chunk.length;
    if (this.#waitingBytes >= MOST_WAITING_BYTES) this.#source.pause();
  }

  /** Whether more may follow at once. A sink that is gone hears nothing; its own end travels the other way. */
  #write(chunk: Buffer): boolean {
    return this.#sink?.writable ? this.#sink.write(chunk) : true;
  }

  #finish(how: 'finished' | 'reset'): void {
    if (this.#end) return;
    this.#end = how;
    if (this.#open) this.#passOn(how);
  }

  #passOn(how: 'finished' | 'reset'): void {
    if (how === 'finished') this.#sink?.end();
    else this.#sink?.resetAndDestroy();
  }
}
