/**
 * When which fault strikes: drawn from the spec and from who is there, before anything is touched. A plan prints
 * it and a run follows it. Quiet times, lengths and choices come from one stream for each nemesis; a fault that
 * would take down more than the limit is drawn again, and one for which there is no room beside others waits.
 */

import type { Clock } from './clock.ts';
import type { ChooseContext, Json, Layout, Nemesis, NodeId, PlannedFault, RunSpec } from './contract.ts';
import { spanOf, spanText } from './moments.ts';
import { Random } from './random.ts';
import { reachOf } from './reach.ts';
import { requireJson } from './require-json.ts';

export interface Schedule {
  /** In order of time; of one nemesis never two at once. */
  readonly faults: readonly PlannedFault[];
  readonly omitted: readonly Omission[];
  /** Nemeses that could not be asked any further, and the time at which that matters. */
  readonly broken: readonly { readonly nemesis: string; readonly atMs: number; readonly error: unknown }[];
}

/** A fault that was drawn and is left out. */
export interface Omission {
  readonly nemesis: string;
  readonly hold: string;
  readonly reason: string;
}

export const omissionText = ({ hold, reason }: Omission): string => `${hold} is left out: ${reason}`;

/** The share of the load, and the most of it, that is left quiet at its end, so that every fault heals under load. */
const QUIET_TAIL = 0.15;
const LONGEST_QUIET_TAIL_MS = 5_000;
/** How often a fault that is beyond the limit is drawn again. */
const MOST_DRAWS = 30;
const MOST_FAULTS = 20_000;
/** Of the JSON of one fault, in characters: it stands in plans, histories and reports. */
const LONGEST_FAULT = 2 ** 16;

/** When the last fault ends, in milliseconds since the load began. */
export const faultsEndMs = ({ timeLimitMs }: RunSpec): number =>
  timeLimitMs - Math.min(LONGEST_QUIET_TAIL_MS, timeLimitMs * QUIET_TAIL);

/** How many nodes may be down at once: less than half, but at least one. */
export const minorityOf = (nodeCount: number): number => Math.max(1, Math.ceil(nodeCount / 2) - 1);

/** The most nodes that may be down at once in this run. */
export const mostDownIn = (spec: RunSpec, { nodes }: Layout): number =>
  spec.limits === undefined || spec.limits.beyondQuorum ? nodes.length : minorityOf(nodes.length);

/** Of how many nodes data may be damaged for ever in a whole run: less than half of those that keep any. */
const mostDamagedIn = ({ nodes, subjects }: Layout): number =>
  Math.max(0, Math.ceil((subjects?.disks ?? nodes).length / 2) - 1);

const TOO_MUCH_DAMAGE =
  'it cannot be undone, and no more than a minority of those that keep data may be damaged in a run';

/** The stream of chance of one nemesis. */
export const streamOf = (spec: RunSpec, nemesis: Nemesis): Random =>
  new Random(spec.seed).fork(`nemesis ${nemesis.name}`);

/** Pure, apart from the patience it has with a nemesis that hangs. The faults are `spec.plan`'s where there is one. */
export async function drawSchedule(
  spec: RunSpec,
  nemeses: readonly Nemesis[],
  layout: Layout,
  clock: Clock,
): Promise<Schedule> {
  if (spec.plan) {
    const stranger = spec.plan.flatMap(({ down }) => down).find((node) => !layout.nodes.includes(node));
    if (stranger !== undefined)
      throw new RangeError(
        `the plan is for a node ${stranger}, which is not there; there are ${layout.nodes.join(', ')}`,
      );
    return { faults: spec.plan, omitted: [], broken: [] };
  }
  const drawn = await Promise.all(nemeses.map((nemesis) => drawFaults(spec, nemesis, layout, clock)));
  const omitted = drawn.flatMap((one) => one.omitted);
  const broken = drawn.flatMap((one) => one.broken);
  const placed = place(
    drawn.map(({ faults }) => faults),
    spec,
    mostDownIn(spec, layout),
    mostDamagedIn(layout),
  );
  return { faults: placed.faults, omitted: [...omitted, ...placed.omitted], broken };
}

async function drawFaults(spec: RunSpec, nemesis: Nemesis, layout: Layout, clock: Clock): Promise<Schedule> {
  const rng = streamOf(spec, nemesis);
  const faults: PlannedFault[] = [];
  const omitted: Omission[] = [];
  const untilMs = faultsEndMs(spec);
  let atMs = 0;
  for (let number = 1; number <= MOST_FAULTS; number++) {
    const calmMs = rng.integer(...spec.calmMs);
    const faultMs = Math.min(rng.integer(...spec.faultMs), spec.limits?.longestFaultMs ?? Infinity);
    if (atMs + calmMs + faultMs / 2 > untilMs) break;
    atMs += calmMs;
    const forMs = Math.min(faultMs, untilMs - atMs);
    const hold = `${nemesis.name}-${number}`;
    try {
      const choice = await chooseAhead(nemesis, number, spec, layout, clock);
      if (typeof choice === 'string') omitted.push({ nemesis: nemesis.name, hold, reason: choice });
      else faults.push({ nemesis: nemesis.name, hold, number, atMs, forMs, ...choice });
    } catch (error) {
      return { faults, omitted, broken: [{ nemesis: nemesis.name, atMs, error }] };
    }
    atMs += forMs;
  }
  return { faults, omitted, broken: [] };
}

type Choice = Pick<PlannedFault, 'fault' | 'sentence' | 'span' | 'dependsOnPrimaries' | 'down' | 'damaged'>;

/** The fault as far as it can be known ahead, or why there can be none. */
async function chooseAhead(
  nemesis: Nemesis,
  number: number,
  spec: RunSpec,
  layout: Layout,
  clock: Clock,
): Promise<Choice | string> {
  const guess = streamOf(spec, nemesis).fork(`who leads at fault ${number}`).pick(layout.nodes);
  const choice = await choose(nemesis, number, spec, layout, [guess], clock);
  if (typeof choice === 'string') return choice;
  const { fault, rng } = choice;
  const others = [[], layout.nodes, ...layout.nodes.map((node) => [node])];
  const isAlike = (primaries: readonly NodeId[]) => {
    try {
      return JSON.stringify(nemesis.choose(contextOf(layout, rng(), primaries))) === JSON.stringify(fault);
    } catch {
      return false; // It cannot do without a primary; that one is there is seen at its time.
    }
  };
  const { rng: _rng, ...chosen } = choice;
  return { ...chosen, dependsOnPrimaries: !others.every(isAlike) };
}

const contextOf = (layout: Layout, rng: Random, primaries: readonly NodeId[]): ChooseContext => ({
  rng,
  nodes: layout.nodes,
  parties: layout.parties,
  links: layout.links,
  subjects: layout.subjects,
  spares: layout.spares,
  primaries,
});

/**
 * The nemesis' choice among these, drawn again until no more nodes are down than may be; or why there is none. The
 * first draw is from the stream `fault N`, the others are from `fault N again 1`, `fault N again 2`, …
 */
export async function choose(
  nemesis: Nemesis,
  number: number,
  spec: RunSpec,
  layout: Layout,
  primaries: readonly NodeId[],
  clock: Clock,
): Promise<(Omit<Choice, 'dependsOnPrimaries'> & { rng(): Random }) | string> {
  const stream = streamOf(spec, nemesis);
  const most = mostDownIn(spec, layout);
  let fewest = Infinity;
  for (let draw = 0; draw < MOST_DRAWS; draw++) {
    const rng = () => stream.fork(draw === 0 ? `fault ${number}` : `fault ${number} again ${draw}`);
    const chosen = nemesis.choose(contextOf(layout, rng(), primaries));
    const fault = asJson(chosen);
    const span = spanOf(nemesis, fault, layout);
    const sentence = nemesis.describe(fault) + spanText(span ?? {});
    const { down, damaged } = await reachOf(nemesis, fault, layout, clock);
    if (damaged.length > mostDamagedIn(layout)) return TOO_MUCH_DAMAGE;
    const lasting = damaged.length > 0 ? { damaged } : {};
    if (down.length <= most) return { fault, sentence, ...(span ? { span } : {}), down, ...lasting, rng };
    fewest = Math.min(fewest, down.length);
  }
  return `in ${MOST_DRAWS} draws it always took down ${fewest} of ${layout.nodes.length} nodes or more, and no more than ${most} may be; --beyond-quorum allows it`;
}

/** The fault as it will be on disk: what is injected is what is on disk. */
function asJson(chosen: unknown): Json {
  requireJson(chosen, 'the fault');
  const text = JSON.stringify(chosen);
  if (text.length > LONGEST_FAULT)
    throw new TypeError(`the fault is ${text.length} characters of JSON; at most ${LONGEST_FAULT} are allowed`);
  return JSON.parse(text) as Json;
}

/** Gives each fault its time, first come, first served: where it would be one node too many, it waits for the next end. */
function place(
  queues: readonly (readonly PlannedFault[])[],
  spec: RunSpec,
  most: number,
  mostDamaged: number,
): Pick<Schedule, 'faults' | 'omitted'> {
  const untilMs = faultsEndMs(spec);
  const placed: PlannedFault[] = [];
  const omitted: Omission[] = [];
  let damaged = new Set<NodeId>();
  const lanes = queues.map((faults) => ({ waiting: [...faults], freeMs: 0 }));
  const readyMs = ({ waiting, freeMs }: (typeof lanes)[number]) => Math.max(waiting[0]?.atMs ?? Infinity, freeMs);
  for (;;) {
    const lane = lanes.reduce((first, other) => (readyMs(other) < readyMs(first) ? other : first), {
      waiting: [] as PlannedFault[],
      freeMs: Infinity,
    });
    const fault = lane.waiting.shift();
    if (!fault) break;
    const damagedThen = new Set([...damaged, ...(fault.damaged ?? [])]);
    if (damagedThen.size > mostDamaged) {
      omitted.push({ nemesis: fault.nemesis, hold: fault.hold, reason: TOO_MUCH_DAMAGE });
      continue;
    }
    const atMs = roomFor(fault, Math.max(fault.atMs, lane.freeMs), placed, spec, most);
    const forMs = Math.min(fault.forMs, untilMs - atMs);
    if (forMs < fault.forMs / 2) {
      if (atMs > fault.atMs)
        omitted.push({
          nemesis: fault.nemesis,
          hold: fault.hold,
          reason: 'there is no room for it beside other faults',
        });
      continue;
    }
    placed.push({ ...fault, atMs, forMs });
    damaged = damagedThen;
    lane.freeMs = atMs + forMs + spec.calmMs[0];
  }
  return { faults: placed.sort((a, b) => a.atMs - b.atMs), omitted };
}

/** Whoever waits for a moment finds out then whether there is room, and keeps nobody from striking before. */
const findsRoomLater = ({ span }: PlannedFault): boolean => span?.from !== undefined;

/** The first time from `fromMs` on at which all that overlap it leave room for it. */
function roomFor(
  fault: PlannedFault,
  fromMs: number,
  placed: readonly PlannedFault[],
  spec: RunSpec,
  most: number,
): number {
  if (findsRoomLater(fault)) return fromMs;
  const others = placed.filter((other) => !findsRoomLater(other));
  for (let atMs = fromMs; ; ) {
    const beside = others.filter(
      (other) => other.atMs < atMs + longestOf(fault, spec) && atMs < other.atMs + longestOf(other, spec),
    );
    const down = new Set([fault, ...beside].flatMap((one) => one.down));
    if (down.size <= most || beside.length === 0) return atMs;
    atMs = Math.min(...beside.map((other) => other.atMs + longestOf(other, spec)));
  }
}

/** The longest that a fault may be in force, from its time on. One that waits for a moment may do so until faults end. */
export function longestOf({ atMs, forMs, span }: PlannedFault, spec: RunSpec): number {
  if (!span) return forMs;
  const leftMs = Math.max(forMs, faultsEndMs(spec) - atMs);
  return span.from ? leftMs : Math.min(leftMs, spec.limits?.longestFaultMs ?? Infinity);
}

/** The most nodes that are down at once in a schedule, and since when. */
export function mostDown(
  faults: readonly PlannedFault[],
  spec: RunSpec,
): {
  readonly nodes: readonly NodeId[];
  readonly atMs: number;
} {
  let worst: { nodes: readonly NodeId[]; atMs: number } = { nodes: [], atMs: 0 };
  const isLimited = spec.limits !== undefined && !spec.limits.beyondQuorum;
  for (const fault of faults) {
    const { atMs } = fault;
    const isBeside = (other: PlannedFault) => other.atMs <= atMs && atMs < other.atMs + longestOf(other, spec);
    const waits = (one: PlannedFault) => isLimited && findsRoomLater(one);
    const inForce = waits(fault) ? [fault] : faults.filter((other) => isBeside(other) && !waits(other));
    const nodes = [...new Set(inForce.flatMap(({ down }) => down))].sort();
    if (nodes.length > worst.nodes.length) worst = { nodes, atMs };
  }
  return worst;
}
