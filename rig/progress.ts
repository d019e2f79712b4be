/**
 * What a person sees while a run is going: on a terminal one small block that is redrawn, elsewhere a timestamped
 * line for each phase and fault, and a sign of life every ten seconds. Everything goes to standard error.
 */

import pc from 'picocolors';
import type { Phase, Unstamped } from './contract.ts';

const REDRAW_EVERY_MS = 250;
const SIGN_OF_LIFE_EVERY_MS = 10_000;

const PHASES: Readonly<Record<Phase, string>> = {
  'bring-up': 'bringing up',
  'warm-up': 'warming up',
  load: 'load and faults',
  heal: 'healing',
  recovery: 'waiting for recovery',
  final: 'final requests',
  down: 'taking down',
};

export class Progress {
  readonly #stream: NodeJS.WriteStream;
  readonly #live: boolean;
  readonly #timer: NodeJS.Timeout;
  readonly #begunMs = performance.now();
  readonly #active = new Map<string, string>();
  readonly #counts = { ok: 0, fail: 0, info: 0 };
  #phase = 'preparing';
  #doing = '';
  #drawnLines = 0;

  constructor(stream: NodeJS.WriteStream = process.stderr) {
    this.#stream = stream;
    this.#live = stream.isTTY === true && process.env['CI'] === undefined && process.env['TERM'] !== 'dumb';
    this.#timer = setInterval(
      () => (this.#live ? this.#redraw() : this.#line(this.#status())),
      this.#live ? REDRAW_EVERY_MS : SIGN_OF_LIFE_EVERY_MS,
    );
    this.#timer.unref();
  }

  /** What is being done right now, in a few words. */
  doing(message: string): void {
    const text = printable(message);
    if (text === this.#doing) return;
    this.#doing = text;
    if (!this.#live) this.#line(text);
  }

  event(event: Unstamped): void {
    switch (event.type) {
      case 'ok':
      case 'fail':
      case 'info':
        this.#counts[event.type]++;
        break;
      case 'phase':
        this.#phase = event.ending === undefined ? PHASES[event.phase] : 'judging';
        this.#doing = '';
        this.say(event.note === undefined ? this.#phase : `${this.#phase}: ${printable(event.note)}`);
        break;
      case 'nemesis':
        if (event.action === 'injected') {
          this.#active.set(event.hold, event.sentence);
          this.say(`${pc.yellow('fault')}  ${printable(event.sentence)}`);
        } else if (event.action === 'released') {
          this.#active.delete(event.hold);
          this.say(`${pc.green('healed')} ${printable(event.sentence)} (${printable(event.evidence?.observed ?? '')})`);
        } else if (event.action === 'skipped') {
          this.say(`${pc.dim('skipped')}  ${printable(event.sentence)}: ${printable(event.evidence?.observed ?? '')}`);
        } else if (event.action === 'stuck') {
          this.say(`${pc.red('stuck')}  ${printable(event.sentence)}: ${printable(event.evidence?.observed ?? '')}`);
        }
        break;
      case 'invoke':
        break;
    }
  }

  /** A line that stays; the caller answers for its control characters. */
  say(message: string): void {
    this.#erase();
    this.#line(message);
    if (this.#live) this.#redraw();
  }

  end(): void {
    clearInterval(this.#timer);
    this.#erase();
  }

  #status(): string {
    const { ok, fail, info } = this.#counts;
    const faults = [...this.#active.values()];
    const asked = ok + fail + info === 0 ? '' : `, ${ok} ok, ${fail} failed, ${info} unknown`;
    return `${this.#phase}${asked}${faults.length > 0 ? `; now: ${faults.join('; ')}` : ''}`;
  }

  #line(message: string): void {
    this.#stream.write(`${pc.dim(this.#elapsed())} ${message}\n`);
  }

  #elapsed(): string {
    return `${((performance.now() - this.#begunMs) / 1000).toFixed(1).padStart(6)}s`;
  }

  #redraw(): void {
    this.#erase();
    const width = Math.max(20, (this.#stream.columns || 80) - 1);
    const lines = [`${this.#elapsed()} ${this.#status()}`, ...(this.#doing ? [`        ${this.#doing}`] : [])];
    this.#stream.write(lines.map((line) => `${pc.cyan(printable(line).slice(0, width))}\n`).join(''));
    this.#drawnLines = lines.length;
  }

  #erase(): void {
    if (this.#drawnLines > 0) this.#stream.write(`\x1b[${this.#drawnLines}A\x1b[0J`);
    this.#drawnLines = 0;
  }
}

/** Without control characters, which a system under test might have put there. */
const printable = (text: string): string =>
  // oxlint-disable-next-line no-control-regex
  text.replace(/[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]/g, ' ').slice(0, 2_000);
