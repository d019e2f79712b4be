/**
 * What a service delivers to, hosted by the rig: a webhook or payment stub, or a mail server, which counts what comes, as
 * often as it comes. Bounded: what is too large is refused, and a sink that is full says so instead of counting on.
 */

import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { RequestError } from '../../rig/define.ts';
import type { ServiceEffects } from '../../rig/service-definition.ts';
import type { Address } from '../hosts/host.ts';
import { httpReceiver } from './http-receiver.ts';
import { mailReceiver } from './mail-receiver.ts';
import type { Delivery, Receive, Receiver } from './receiver.ts';

const HOST = '127.0.0.1';
const MOST_DELIVERIES = 1_000_000;
const MOST_BYTES = 512 * 1024 * 1024;

export class Sink {
  readonly #wanted: NonNullable<ServiceEffects['sink']>;
  /** By the address at which each listens; all of them on one port. */
  readonly #receivers = new Map<string, Receiver>();
  readonly #deliveries: Delivery[] = [];
  #port = 0;
  #bytes = 0;
  #failure: RequestError | null = null;

  private constructor(wanted: NonNullable<ServiceEffects['sink']>) {
    this.#wanted = wanted;
  }

  static async open(wanted: NonNullable<ServiceEffects['sink']>): Promise<Sink> {
    const sink = new Sink(wanted);
    const { server } = sink.#listen(HOST, wanted.port ?? 0);
    await once(server, 'listening');
    sink.#port = (server.address() as AddressInfo).port;
    return sink;
  }

  /** Where programs find it who know the rig by that address; it listens there from now on. */
  address(host: string): Address {
    if (!this.#receivers.has(host)) this.#listen(host, this.#port);
    return { host, port: this.#port };
  }

  /** As its protocol writes it, `smtp://198.19.1.1:2525`. */
  url(host: string): string {
    const { port } = this.address(host);
    return `${this.#wanted.kind}://${host}:${port}`;
  }

  deliveries(): readonly Delivery[] {
    if (this.#failure) throw this.#failure;
    return this.#deliveries;
  }

  async close(): Promise<void> {
    const closed = [...this.#receivers.values()].map(async (receiver) => {
      const ended = receiver.server.listening ? once(receiver.server, 'close') : null;
      receiver.close();
      await ended;
    });
    await Promise.all(closed);
  }

  #listen(host: string, port: number): Receiver {
    const { kind, answer = {} } = this.#wanted;
    const receive: Receive = (delivery, bytes) => this.#receive(delivery, bytes);
    const receiver = kind === 'smtp' ? mailReceiver(receive) : httpReceiver(answer, receive);
    this.#receivers.set(host, receiver);
    receiver.server.on('error', (error) => {
      this.#failure ??= new RequestError('no-sink', `the sink cannot listen at ${host}:${port}: ${error.message}`);
    });
    receiver.server.listen(port, host);
    return receiver;
  }

  #receive(delivery: Delivery, bytes: number): boolean {
    this.#bytes += bytes;
    if (this.#deliveries.length >= MOST_DELIVERIES || this.#bytes > MOST_BYTES)
      this.#failure ??= new RequestError(
        'sink-full',
        `more than ${MOST_DELIVERIES} deliveries, or ${MOST_BYTES / 1024 / 1024} MiB of them`,
      );
    if (this.#failure) return false;
    this.#deliveries.push(delivery);
    return true;
  }
}
