/**
 * One client's connection to one node. Bytes pass unchanged as they come, while it is noted where requests and answers
 * begin and end; a request that a rule picked is kept until it is complete, and then the rule has its way. What is not
 * HTTP passes too, and no rule touches it.
 */

import { createConnection, type Socket } from 'node:net';
import type { TrafficAct } from '../../rig/contract.ts';
import { Exchange } from './exchange.ts';
import { type Head, MalformedMessage, MessageReader } from './message-reader.ts';
import type { ConnectionEvents, Place } from './place.ts';
import type { RequestTraits, RuleInForce } from './rules.ts';
import { trickle } from './trickle.ts';

/** Of requests that are sent before the answer to an earlier one is there. */
const MOST_EARLY_BYTES = 256 * 1024;
/** A client that hears nothing is let go at the latest after this. */
const SILENCE_MS = 60_000;
/** What a torn connection has sent is given time to arrive before the reset that would overtake it. */
const TEAR_MS = 10;

export class Connection {
  readonly #place: Place;
  readonly #caller: Socket;
  readonly #answerer: Socket;
  readonly #requests = new MessageReader('request');
  readonly #answers = new MessageReader('answer');
  #exchange: Exchange | null = null;
  #isBlind = false;
  /** A rule has broken it: nothing passes any more. */
  #isBroken = false;
  #callerEnded = false;
  /** The answer that is under way is read at this pace. */
  #readsSlowly: { readonly rule: RuleInForce; readonly bytesPerSecond: number } | null = null;

  constructor(caller: Socket, place: Place, { ended, refused }: ConnectionEvents) {
    this.#place = place;
    this.#caller = caller;
    const answerer = createConnection({ ...place.target, allowHalfOpen: true, noDelay: true });
    this.#answerer = answerer;
    let isConnected = false;
    answerer.on('connect', () => {
      isConnected = true;
    });
    caller.on('data', (chunk: Buffer) => this.#fromCaller(chunk));
    caller.on('end', () => this.#callerHasEnded(isConnected));
    caller.on('error', () => this.#break());
    caller.on('close', () => this.#break());
    caller.on('drain', () => answerer.resume());
    answerer.on('data', (chunk: Buffer) => this.#fromAnswerer(chunk));
    answerer.on('end', () => this.#answererHasEnded());
    answerer.on('error', () => {
      if (!isConnected) refused();
      if (!this.#isBroken) caller.resetAndDestroy();
    });
    answerer.on('drain', () => caller.resume());
    answerer.on('close', () => {
      this.#exchange?.end(false);
      if (!this.#isBroken) caller.end();
    });
    caller.on('close', ended);
  }

  destroy(): void {
    this.#caller.destroy();
    this.#break();
  }

  // ── From the client ────────────────────────────────────────────────────────────────────────────────────

  #fromCaller(chunk: Buffer): void {
    if (this.#isBroken) return;
    if (this.#isBlind) return this.#forward(chunk);
    this.#requests.push(chunk);
    this.#readRequests();
  }

  /** Up to the end of one request; the next is read when this one is answered. */
  #readRequests(): void {
    try {
      while (!this.#isBroken && !this.#isBlind && !this.#exchange?.isAsked) {
        const piece = this.#requests.next();
        if (!piece) return;
        if (piece.is === 'head') this.#begin(piece.head, piece.bytes);
        else if (piece.is === 'body') {
          this.#exchange?.sawBody(piece.bytes);
          this.#keepOrForward(piece.bytes);
        } else this.#asked();
      }
      if (this.#requests.waitingBytes > MOST_EARLY_BYTES) this.#caller.pause();
    } catch (error) {
      if (!(error instanceof MalformedMessage)) throw error;
      this.#goBlind();
    }
  }

  #begin({ start: [method, path], fields }: Head, bytes: Buffer): void {
    const { node, keyField, log } = this.#place;
    const field = fields.get(keyField);
    const key = field === undefined ? null : Buffer.from(field, 'latin1').toString('utf8');
    const traits: RequestTraits = { node, method, path, key };
    // A client that waits to be asked for the body would wait for ever.
    const rule = fields.has('expect') ? null : this.#place.pick(traits);
    this.#answers.isBodiless = method === 'HEAD';
    this.#exchange = new Exchange(traits, rule, log);
    this.#keepOrForward(bytes);
  }

  #keepOrForward(bytes: Buffer): void {
    const exchange = this.#exchange;
    if (!exchange?.rule) return this.#forward(bytes);
    exchange.request.add(bytes);
    if (!exchange.request.isTooLarge) return;
    exchange.rule = null;
    this.#forward(exchange.request.take());
  }

  #asked(): void {
    const exchange = this.#exchange as Exchange;
    exchange.isAsked = true;
    if (exchange.rule) this.#act(exchange, exchange.rule, exchange.request.take());
  }

  #forward(bytes: Buffer): void {
    if (this.#answerer.writable && !this.#answerer.write(bytes)) this.#caller.pause();
  }

  // ── What rules do ──────────────────────────────────────────────────────────────────────────────────────

  #act(exchange: Exchange, rule: RuleInForce, bytes: Buffer): void {
    const { act } = rule.rule;
    switch (act.do) {
      case 'lose-answer':
        exchange.fate = 'lose';
        return this.#forward(bytes);
      case 'repeat':
        this.#repeat(exchange, rule, act, bytes);
        return this.#forward(bytes);
      case 'delay':
        if (act.what === 'request') return this.#forwardLater(exchange, rule, act.ms, bytes);
        exchange.fate = 'keep';
        return this.#forward(bytes);
      case 'swap':
        return this.#swap(exchange, rule, act.withinMs, bytes);
      case 'tear':
        if (act.what === 'request') return this.#tearRequest(rule, act.by, bytes);
        exchange.fate = 'keep';
        return this.#forward(bytes);
      case 'slow':
        rule.touched++;
        if (act.what === 'request')
          return this.#trickle(rule, act.bytesPerSecond, bytes, (some) => this.#forward(some));
        this.#readsSlowly = { rule, bytesPerSecond: act.bytesPerSecond };
        return this.#forward(bytes);
    }
  }

  #trickle(rule: RuleInForce, bytesPerSecond: number, bytes: Buffer, pass: (some: Buffer) => void): void {
    trickle(rule, bytesPerSecond, bytes, (some) => {
      if (!this.#isBroken) pass(some);
    });
  }

  #repeat(exchange: Exchange, rule: RuleInForce, act: TrafficAct & { do: 'repeat' }, bytes: Buffer): void {
    const { copies } = this.#place;
    const request = exchange.sent(Buffer.from(bytes));
    const sendAll = () => {
      for (let nth = 0; nth < act.copies; nth++) {
        const node = copies.nodeFor(request, act.to, rule.touched + nth);
        rule.later((nth + 1) * act.gapMs, bytes.length, () => copies.deliver(request, node, rule));
      }
    };
    if (act.answer === 'lost') exchange.fate = 'lose';
    if (act.when === 'answered') exchange.afterwards = sendAll;
    else if (act.when === 'at-once') sendAll();
    else {
      for (let nth = 0; nth < act.copies; nth++) {
        const node = copies.nodeFor(request, act.to, rule.touched + nth);
        rule.later(null, bytes.length, () => copies.deliver(request, node, rule));
      }
    }
    rule.touched++;
  }

  #forwardLater(exchange: Exchange, rule: RuleInForce, ms: number, bytes: Buffer): void {
    const request = exchange.sent(Buffer.from(bytes));
    const isLate = rule.later(ms, bytes.length, () => this.#forwardOrDeliver(exchange, rule, bytes, request));
    if (isLate) rule.touched++;
    else this.#forward(bytes);
  }

  /** The request arrives whether or not its client is still there. */
  #forwardOrDeliver(
    exchange: Exchange,
    rule: RuleInForce,
    bytes: Buffer,
    request: ReturnType<Exchange['sent']>,
  ): Promise<void> | void {
    if (this.#exchange === exchange && this.#answerer.writable && !this.#callerEnded) return this.#forward(bytes);
    return this.#place.copies.deliver(request, this.#place.node, rule);
  }

  /** The first waits; the second overtakes it, and lets it go when it is answered. */
  #swap(exchange: Exchange, rule: RuleInForce, withinMs: number, bytes: Buffer): void {
    const { waiting } = rule;
    if (waiting) {
      rule.waiting = null;
      rule.touched += 2;
      exchange.afterwards = waiting;
      return this.#forward(bytes);
    }
    const request = exchange.sent(Buffer.from(bytes));
    const letGo = rule.later(withinMs, bytes.length, () => {
      if (rule.waiting === letGo) rule.waiting = null;
      return this.#forwardOrDeliver(exchange, rule, bytes, request);
    });
    rule.waiting = letGo;
    if (!letGo) this.#forward(bytes);
  }

  #tearRequest(rule: RuleInForce, by: 'reset' | 'end', bytes: Buffer): void {
    rule.touched++;
    const headBytes = bytes.indexOf('\r\n\r\n') + 4;
    const body = bytes.length - headBytes;
    this.#forward(bytes.subarray(0, body > 0 ? headBytes + (body >> 1) : bytes.length >> 1));
    this.#place.clock.after(TEAR_MS, () => this.#tear(by));
  }

  // ── From the node ──────────────────────────────────────────────────────────────────────────────────────

  #fromAnswerer(chunk: Buffer): void {
    if (this.#isBroken) return;
    if (this.#isBlind) return this.#give(chunk);
    if (!this.#readsSlowly) return this.#hear(chunk);
    // What is not read waits at the node.
    this.#answerer.pause();
    let left = chunk.length;
    this.#trickle(this.#readsSlowly.rule, this.#readsSlowly.bytesPerSecond, chunk, (some) => {
      this.#hear(some);
      left -= some.length;
      if (left === 0) this.#answerer.resume();
    });
  }

  #hear(chunk: Buffer): void {
    this.#answers.push(chunk);
    this.#readAnswers();
  }

  #readAnswers(): void {
    try {
      while (!this.#isBroken && !this.#isBlind) {
        const piece = this.#answers.next();
        if (!piece) return;
        const exchange = this.#exchange;
        // An answer that nobody asked for: whatever follows cannot be told apart.
        if (!exchange) return this.#goBlind(piece.is === 'end' ? undefined : piece.bytes);
        if (piece.is === 'head') exchange.sawAnswerHead(piece.head);
        if (piece.is === 'body') exchange.sawAnswerBody(piece.bytes);
        if (piece.is !== 'end') this.#meet(exchange, piece.bytes);
        else if (!exchange.isInterim) {
          exchange.sawAnswerEnd();
          this.#answered(exchange);
        }
      }
    } catch (error) {
      if (!(error instanceof MalformedMessage)) throw error;
      this.#goBlind();
    }
  }

  /** A part of the answer meets its fate. */
  #meet(exchange: Exchange, bytes: Buffer): void {
    if (exchange.fate === 'pass') return this.#give(bytes);
    if (exchange.fate === 'lose') return;
    exchange.answer.add(bytes);
    if (!exchange.answer.isTooLarge) return;
    exchange.fate = 'pass';
    this.#give(exchange.answer.take());
  }

  #answered(exchange: Exchange): void {
    const { rule, fate } = exchange;
    if (!rule || fate === 'pass') return this.#finish(exchange);
    const { act } = rule.rule;
    if (fate === 'lose') {
      if (act.do === 'lose-answer') rule.touched++;
      exchange.end(false);
      if (act.do === 'lose-answer' && act.by === 'silence') this.#beSilent(rule);
      else this.#tear('reset');
      return;
    }
    const bytes = exchange.answer.take();
    if (act.do === 'tear') {
      rule.touched++;
      this.#give(bytes.subarray(0, bytes.length >> 1));
      exchange.end(false);
      this.#place.clock.after(TEAR_MS, () => this.#tear(act.by));
      return;
    }
    const give = () => {
      if (this.#isBroken) return;
      this.#give(bytes);
      this.#finish(exchange);
    };
    if (act.do === 'delay' && rule.later(act.ms, bytes.length, give)) rule.touched++;
    else give();
  }

  #finish(exchange: Exchange): void {
    this.#readsSlowly = null;
    exchange.end(this.#caller.writable && !this.#callerEnded);
    if (!exchange.isAsked) return this.#goBlind();
    this.#exchange = null;
    this.#caller.resume();
    this.#readRequests();
  }

  #give(bytes: Buffer): void {
    if (this.#caller.writable && !this.#caller.write(bytes)) this.#answerer.pause();
  }

  // ── Ends ───────────────────────────────────────────────────────────────────────────────────────────────

  /** From here on bytes pass unread; what is held of them passes first. */
  #goBlind(answer?: Buffer): void {
    this.#isBlind = true;
    const exchange = this.#exchange;
    if (exchange && !exchange.isAsked && exchange.rule) this.#forward(exchange.request.take());
    if (exchange?.fate === 'keep') this.#give(exchange.answer.take());
    exchange?.end(false);
    this.#exchange = null;
    this.#forward(this.#requests.rest());
    if (answer) this.#give(answer);
    this.#give(this.#answers.rest());
  }

  #callerHasEnded(isConnected: boolean): void {
    this.#callerEnded = true;
    if (this.#exchange?.fate === 'lose') return; // The node is to finish its work.
    // Who gives up before the node was reached has sent nothing; who gave up with a request kept back is gone.
    if (!isConnected || this.#exchange?.rule) return void this.#caller.destroy();
    if (!this.#exchange && !this.#isBlind) this.#forward(this.#requests.rest());
    this.#answerer.end();
  }

  #answererHasEnded(): void {
    if (this.#isBroken) return;
    this.#answers.close();
    if (!this.#isBlind) this.#readAnswers();
    if (!this.#isBroken) this.#caller.end();
  }

  #beSilent(rule: RuleInForce): void {
    this.#isBroken = true;
    this.#answerer.destroy();
    const letGo = rule.later(SILENCE_MS, 0, () => void this.#caller.resetAndDestroy());
    if (letGo) this.#caller.once('close', letGo);
    else this.#caller.resetAndDestroy();
  }

  #tear(by: 'reset' | 'end'): void {
    this.#isBroken = true;
    for (const socket of [this.#caller, this.#answerer]) {
      if (by === 'end') socket.destroySoon();
      else reset(socket);
    }
    this.#exchange?.end(false);
  }

  /** The client is gone, and with it what the node would say. */
  #break(): void {
    this.#isBroken = true;
    if (!this.#answerer.destroyed) reset(this.#answerer);
    this.#exchange?.end(false);
    this.#exchange = null;
  }
}

/** A socket that is not connected yet would first send what waits, and only then be reset. */
function reset(socket: Socket): void {
  if (socket.connecting) socket.destroy();
  else socket.resetAndDestroy();
}
