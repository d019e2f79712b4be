/**
 * What a fault would do, told without doing it: it is injected into controls that only take note, and who is down
 * follows from what they noted.
 */

import { type Clock, deadline, within } from './clock.ts';
import type { Controls, Json, Layout, Link, Nemesis, NodeId, Party } from './contract.ts';

/** One call of a control, `network.drop(['n1'], ['n2'])`. */
export interface Call {
  readonly control: string;
  readonly method: string;
  readonly arguments: readonly unknown[];
}

export interface Reach {
  readonly calls: readonly Call[];
  /** The nodes that are killed, paused, or cut off from most others, in the cluster's order. */
  readonly down: readonly NodeId[];
  /** The nodes whose data is damaged for ever. */
  readonly damaged: readonly NodeId[];
}

const TAKING_NOTE_TIMEOUT_MS = 1_000;

/** Never rejects: of a nemesis that throws or hangs, what it had asked for until then. */
export async function reachOf(nemesis: Nemesis, fault: Json, layout: Layout, clock: Clock): Promise<Reach> {
  const calls: Call[] = [];
  const limit = deadline(clock, TAKING_NOTE_TIMEOUT_MS);
  try {
    await within(limit.signal, Promise.resolve(nemesis.inject(fault, noting(nemesis.controls, calls), limit.signal)));
  } catch {
    // It will say so itself when it is injected in earnest.
  } finally {
    limit.cancel();
  }
  const damages = calls.filter(({ control, method }) => control === 'disks' && method === 'damage');
  const damaged = [...new Set(damages.flatMap(({ arguments: given }) => partiesIn(given[0])))];
  return { calls, down: downBy(calls, layout), damaged };
}

/** Controls that do nothing but note what they were asked for. */
function noting(names: readonly string[], calls: Call[]): Controls {
  const control = (name: string) =>
    new Proxy(
      {},
      {
        get:
          (_, method) =>
          async (...given: unknown[]) => {
            calls.push({ control: name, method: String(method), arguments: given });
          },
      },
    );
  return Object.fromEntries(names.map((name) => [name, control(name)])) as unknown as Controls;
}

/** Controls whose levers are told whom to strike in lists of names. */
const STRIKING: readonly string[] = [
  'calls',
  'clocks',
  'descriptors',
  'disks',
  'membership',
  'network',
  'processes',
  'resources',
  'upgrades',
];
/** Levers that nodes live through: they are slow, or have another time, and serve. */
const SURVIVED: readonly string[] = ['clocks.shift', 'disks.slow', 'membership.add', 'resources.processor'];

/** A name in this call that is nobody's; `undefined` if there is none. */
export function strangerIn(
  { control, arguments: given }: Call,
  { nodes, parties, spares = [], subjects }: Layout,
): string | undefined {
  if (!STRIKING.includes(control)) return undefined;
  const known = new Set([...nodes, ...parties, ...spares, ...Object.values(subjects ?? {}).flat()]);
  return given
    .slice(0, control === 'network' ? 2 : 1)
    .flatMap(partiesIn)
    .find((one) => !known.has(one));
}

/** False if these calls cut only links over which nothing is ever sent. */
export const touchesSomething = (calls: readonly Call[], { links }: Layout): boolean =>
  links === undefined ||
  calls.some(({ control, arguments: given }) => {
    const [from, to] = given.map(partiesIn);
    return (
      control !== 'network' ||
      links.some(([one, other]) => areBetween(from, to, one, other) || areBetween(from, to, other, one))
    );
  });

const areBetween = (from: readonly Party[] = [], to: readonly Party[] = [], sender: Party, listener: Party): boolean =>
  from.includes(sender) && to.includes(listener);

/** These controls, which refuse whatever is asked of them for somebody who is not there. */
export function refusingStrangers<C extends object>(controls: C, layout: Layout): C {
  const refusing = (control: string, levers: object) =>
    new Proxy(levers, {
      get(target, method) {
        const lever: unknown = Reflect.get(target, method);
        if (typeof lever !== 'function') return lever;
        return async (...given: unknown[]): Promise<unknown> => {
          const call = { control, method: String(method), arguments: given };
          const stranger = strangerIn(call, layout);
          if (stranger !== undefined)
            throw new RangeError(
              `${control}.${String(method)} was asked for ${stranger}, which is not there; there are ${layout.parties.join(', ')}`,
            );
          return Reflect.apply(lever, target, given) as unknown;
        };
      },
    });
  return Object.fromEntries(
    Object.entries(controls).map(([name, levers]) => [name, refusing(name, levers as object)]),
  ) as C;
}

/** What else is done to the network leaves those whom it strikes at work. */
const CUTTING: readonly string[] = ['drop', 'reject', 'swizzle'] satisfies readonly (keyof Controls['network'])[];

/** Who is killed, paused or cut off by these calls together, or may end of them. */
export function downBy(calls: readonly Call[], layout: Layout): readonly NodeId[] {
  const cut = new Set<string>();
  const down = new Set<NodeId>();
  for (const { control, method, arguments: given } of calls) {
    const ends = control !== 'network' && STRIKING.includes(control) && !SURVIVED.includes(`${control}.${method}`);
    // Whoever is upgraded is back before the next one goes.
    const ended = ends ? partiesIn(given[0]).slice(0, control === 'upgrades' ? 1 : Infinity) : [];
    for (const node of ended) down.add(node);
    if (control !== 'network' || !CUTTING.includes(method)) continue;
    for (const from of partiesIn(given[0]))
      for (const to of partiesIn(given[1])) {
        cut.add(arrow(from, to));
        if (method === 'swizzle') cut.add(arrow(to, from));
      }
  }
  for (const node of cut.size === 0 ? [] : cutOff(cut, layout)) down.add(node);
  return layout.nodes.filter((node) => down.has(node));
}

const partiesIn = (given: unknown): readonly Party[] =>
  Array.isArray(given) ? given.filter((party): party is Party => typeof party === 'string') : [];

/**
 * The nodes outside the largest group that still hear each other, be it through others. Clients carry nothing from
 * node to node, so they belong to no group.
 */
function cutOff(cut: ReadonlySet<string>, { nodes, parties, links }: Layout): readonly NodeId[] {
  const members = [...new Set([...nodes, ...parties])].filter((party) => party !== 'clients');
  const talk = links?.some(([one, other]) => members.includes(one) && members.includes(other))
    ? linked(links)
    : undefined;
  const hears = (listener: Party, sender: Party) =>
    !cut.has(arrow(sender, listener)) && (talk === undefined || talk.has(arrow(sender, listener)));
  const heardBy = new Map(members.map((party) => [party, audienceOf(party, members, hears)]));
  const groups = nodes.map((node) =>
    nodes.filter((other) => heardBy.get(node)?.has(other) && heardBy.get(other)?.has(node)),
  );
  const largest = groups.reduce((most, group) => (group.length > most.length ? group : most), [] as NodeId[]);
  return nodes.filter((node) => !largest.includes(node));
}

/** Everybody whom a word of `start` reaches, itself too. */
function audienceOf(
  start: Party,
  members: readonly Party[],
  hears: (listener: Party, sender: Party) => boolean,
): ReadonlySet<Party> {
  const reached = new Set([start]);
  for (const sender of reached)
    for (const listener of members) if (!reached.has(listener) && hears(listener, sender)) reached.add(listener);
  return reached;
}

const linked = (links: readonly Link[]): ReadonlySet<string> =>
  new Set(links.flatMap(([one, other]) => [arrow(one, other), arrow(other, one)]));

const arrow = (from: Party, to: Party): string => `${from}>${to}`;
