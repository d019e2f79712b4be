/**
 * What came of requests that were spoilt: no failure of the server, no silence, nothing taken for sound that cannot be,
 * no effect of what was refused, no request that was hidden in another, and memory that stays within bounds.
 */

import type {
  Anomaly,
  Completion,
  Input,
  Json,
  ProbeAnswer,
  ServiceProbe,
  ServiceTerms,
  Spoiling,
  Verdict,
} from '../rig/contract.ts';
import { defineChecker, invalid, unknown, valid } from '../rig/define.ts';
import { type History, OK } from '../rig/history.ts';
import type { ServiceInput, ServiceOutput } from './exactly-once.ts';
import { calmTimes } from './ledger/stuck-keys.ts';
import { nameOf } from './wording.ts';

export type BoundaryInput =
  | ServiceInput
  | (Input & (({ readonly f: 'probe' } & ServiceProbe) | { readonly f: 'memory' }));
/** Of `probe` and `memory`, beside those of other requests to a service. */
export type BoundaryOutput = ServiceOutput | ProbeAnswer | number | null;

const NAME = 'boundary';
/** Anomalies of one name and one way to spoil that are told; the rest are counted. */
const MOST_TOLD = 3;
const FEWEST_SILENCES = 3;
/** What a node may come to hold, beyond twice of what it held at first. */
const MEMORY_ROOM_BYTES = 256 * 1024 * 1024;

/** The harm that an answer shows, as the name of an anomaly; `null`: none that can be seen from it alone. */
export function harmOf(
  { ok, fail }: ServiceTerms,
  { certain }: Spoiling,
  end: Completion<ProbeAnswer>,
): 'server-error' | 'malformed-accepted' | 'no-answer' | null {
  if (end.type !== 'ok') return end.type === 'info' && end.error === 'timeout' ? 'no-answer' : null;
  const { status } = end.output;
  if (status === null) return null;
  if (status >= 500 && !fail.includes(status)) return 'server-error';
  return certain && ok.includes(status) ? 'malformed-accepted' : null;
}

export const boundary = defineChecker<BoundaryInput, BoundaryOutput>({
  name: NAME,
  check(history) {
    const terms = declared(history);
    if (terms === null) return unknown(NAME, 'the terms of the service were never read');
    return new Judgement(history, terms).verdict();
  },
});

function declared(history: History<BoundaryInput, BoundaryOutput>): ServiceTerms | null {
  const f = history.functions.indexOf('terms');
  for (let at = 0; at < history.length; at++) {
    const output: unknown = history.f[at] === f && history.type[at] === OK ? history.output(at) : null;
    if (isRecord(output) && Array.isArray(output['ok']) && Array.isArray(output['fail']))
      return output as unknown as ServiceTerms;
  }
  return null;
}

interface Probed {
  readonly at: number;
  readonly probe: ServiceProbe;
}

interface Finding {
  readonly name: string;
  readonly how: string;
  readonly positions: readonly number[];
  readonly explanation: string;
  /** How long the spoiling is when it is written down: the shortest is told. */
  readonly size: number;
}

class Judgement {
  readonly #history: History<BoundaryInput, BoundaryOutput>;
  readonly #terms: ServiceTerms;
  readonly #findings: Finding[] = [];
  readonly #probes = new Map<string, Probed>();
  readonly #counts: Record<string, number> = {};
  /** By spoiling, the probes that got no answer; `null`: one of them did. */
  readonly #silent = new Map<string, readonly Probed[] | null>();
  #answered = 0;
  #accepted = 0;
  #lists = 0;

  constructor(history: History<BoundaryInput, BoundaryOutput>, terms: ServiceTerms) {
    this.#history = history;
    this.#terms = terms;
  }

  verdict(): Verdict {
    for (let at = 0; at < this.#history.length; at++) {
      const input = this.#history.input(at);
      if (input.f === 'probe' && isRecord(input.spoilt)) this.#judgeProbe(at, input);
      if (input.f === 'request' && this.#history.type[at] === OK) this.#accepted++;
    }
    for (let at = 0; at < this.#history.length; at++) {
      const input = this.#history.input(at);
      if (input.f === 'effects' && this.#history.type[at] === OK) this.#judgeEffects(at);
    }
    this.#judgeSilence();
    this.#judgeMemory();
    return this.#conclude();
  }

  #judgeProbe(at: number, probe: ServiceProbe): void {
    this.#probes.set(probe.key, { at, probe });
    if (this.#history.type[at] === OK) this.#answered++;
    const end = this.#history.completion(at) as unknown as Completion<ProbeAnswer>;
    const harm = harmOf(this.#terms, probe.spoilt, end);
    if (end.type === 'ok') this.#silent.set(JSON.stringify(probe.spoilt), null);
    if (harm === 'no-answer') this.#noteSilence(at, probe);
    else if (harm !== null && end.type === 'ok')
      this.#add(harm, probe, [at], `was answered ${end.output.status}: ${end.output.detail}`);
  }

  #noteSilence(at: number, probe: ServiceProbe): void {
    const spoiling = JSON.stringify(probe.spoilt);
    const earlier = this.#silent.get(spoiling);
    if (earlier !== null && this.#isCalm(at)) this.#silent.set(spoiling, [...(earlier ?? []), { at, probe }]);
  }

  /** One silence may be chance, or a busy machine: the same spoiling must never have been answered, and not just once. */
  #judgeSilence(): void {
    for (const silences of this.#silent.values()) {
      if (silences === null || silences.length < FEWEST_SILENCES) continue;
      const [first] = silences;
      const positions = silences.map(({ at }) => at);
      if (first)
        this.#add('no-answer', first.probe, positions, `was not answered in time, all ${positions.length} times`);
    }
  }

  /** Whether no fault was in force meanwhile, which might have kept the answer back. */
  #isCalm(at: number): boolean {
    const fromNs = this.#history.invokedNs[at] as number;
    const endedNs = this.#history.endedNs(at);
    return calmTimes(this.#history as unknown as History).some(
      (calm) => calm.fromNs <= fromNs && endedNs <= calm.untilNs,
    );
  }

  #judgeEffects(at: number): void {
    this.#lists++;
    const output: unknown = this.#history.output(at);
    const seen = new Map<string, number>();
    for (const effect of Array.isArray(output) ? (output as readonly unknown[]) : []) {
      const key = isRecord(effect) ? effect['key'] : undefined;
      if (typeof key === 'string') seen.set(key, (seen.get(key) ?? 0) + 1);
    }
    for (const [key, times] of seen) {
      const hiddenIn = key.endsWith('-hidden') ? this.#probes.get(key.slice(0, -'-hidden'.length)) : undefined;
      const found = this.#probes.get(key);
      if (hiddenIn)
        this.#add('smuggled-request', hiddenIn.probe, [hiddenIn.at, at], 'hid another request, which took effect');
      if (found) this.#judgeEffect(at, found.at, found.probe, times);
    }
  }

  #judgeEffect(readAt: number, at: number, probe: ServiceProbe, times: number): void {
    const output: unknown = this.#history.type[at] === OK ? this.#history.output(at) : null;
    const status = isRecord(output) ? output['status'] : null;
    if (times > 1) this.#add('duplicate-application', probe, [at, readAt], `took effect ${times} times`);
    if (typeof status === 'number' && this.#terms.fail.includes(status))
      this.#add('rejected-but-applied', probe, [at, readAt], `was refused with ${status}, and took effect`);
    else if (probe.spoilt.certain) this.#add('malformed-applied', probe, [at, readAt], 'took effect');
  }

  #judgeMemory(): void {
    const first = new Map<number, { readonly at: number; readonly bytes: number }>();
    for (let at = 0; at < this.#history.length; at++) {
      if (this.#history.functions[this.#history.f[at] as number] !== 'memory') continue;
      const bytes: unknown = this.#history.output(at);
      if (typeof bytes !== 'number') continue;
      const node = this.#history.node[at] as number;
      const began = first.get(node);
      if (!began) first.set(node, { at, bytes });
      else if (bytes > 2 * began.bytes + MEMORY_ROOM_BYTES) {
        const what = `${this.#history.nodes[node]} held ${megabytes(began.bytes)} of memory, and later ${megabytes(bytes)}`;
        this.#push({ name: 'memory-not-bounded', how: '', positions: [began.at, at], explanation: what, size: 0 });
      }
    }
    this.#counts['nodes whose memory was seen'] = first.size;
  }

  #add(name: string, { key, spoilt }: ServiceProbe, positions: readonly number[], what: string): void {
    const { how, certain: _, ...details } = spoilt;
    const spoiling = `spoilt by ${how} ${JSON.stringify(details)}`;
    const explanation = `the request with key ${key}, ${spoiling}, ${what} (${nameOf(this.#history as unknown as History, positions[0] as number)})`;
    this.#push({ name, how, positions, explanation, size: spoiling.length });
  }

  #push(finding: Finding): void {
    this.#counts[finding.name] = (this.#counts[finding.name] ?? 0) + 1;
    this.#findings.push(finding);
  }

  #conclude(): Verdict {
    const statistics: Json = {
      probes: this.#probes.size,
      answered: this.#answered,
      soundRequestsAccepted: this.#accepted,
      lists: this.#lists,
      ...this.#counts,
    };
    const [first, ...rest] = this.#told();
    if (first) return invalid(NAME, `${this.#names()}: ${first.explanation}`, [first, ...rest], statistics);
    const missing = [
      this.#answered === 0 && 'no spoilt request was answered',
      this.#accepted === 0 && 'no sound request was accepted',
      this.#lists === 0 && 'the effects were not read at the end',
    ].filter((one) => one !== false);
    if (missing.length > 0) return unknown(NAME, missing.join('; '), statistics);
    return valid(
      NAME,
      `${this.#answered} spoilt requests were refused or taken for sound, and none did harm`,
      statistics,
    );
  }

  #names(): string {
    const names = [...new Set(this.#findings.map(({ name }) => name))];
    return names.map((name) => `${this.#counts[name]} ${name}`).join(', ');
  }

  /** Of each kind the smallest. */
  #told(): readonly Anomaly[] {
    const byKind = new Map<string, Finding[]>();
    for (const finding of this.#findings) {
      const kind = `${finding.name} ${finding.how}`;
      byKind.set(kind, [...(byKind.get(kind) ?? []), finding]);
    }
    return [...byKind.values()].flatMap((all) =>
      all
        .sort((one, other) => one.size - other.size)
        .slice(0, MOST_TOLD)
        .map(({ name, explanation, positions }) => ({
          name,
          explanation,
          witnesses: positions.map((at) => this.#history.invokeIndex[at] as number),
        })),
    );
  }
}

const megabytes = (bytes: number): string => `${Math.round(bytes / 1024 / 1024)} MiB`;

const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
