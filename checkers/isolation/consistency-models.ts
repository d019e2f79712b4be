/**
 * Which consistency models each anomaly rules out. Anomalies name the weakest models that forbid them, and whatever
 * is stronger falls too. After A. Adya, "Weak Consistency" (1999), P. Bailis et al., "Highly Available Transactions"
 * (2013), and the lattice of Elle.
 */

/** Each model, and the weaker ones that it implies directly. */
const weaker = {
  'strict-serializable': ['serializable', 'strong-snapshot-isolation', 'strong-session-serializable'],
  'strong-session-serializable': ['serializable', 'strong-session-snapshot-isolation'],
  'strong-snapshot-isolation': ['strong-session-snapshot-isolation', 'strong-read-committed'],
  'strong-session-snapshot-isolation': ['snapshot-isolation', 'strong-session-read-committed'],
  serializable: ['repeatable-read', 'snapshot-isolation', 'update-serializable'],
  'snapshot-isolation': [
    'forward-consistent-view',
    'monotonic-atomic-view',
    'monotonic-snapshot-read',
    'parallel-snapshot-isolation',
    'prefix',
  ],
  'update-serializable': ['forward-consistent-view'],
  'repeatable-read': ['cursor-stability', 'monotonic-atomic-view'],
  'forward-consistent-view': ['consistent-view'],
  'consistent-view': ['cursor-stability', 'monotonic-view'],
  'parallel-snapshot-isolation': ['causal', 'update-atomic'],
  prefix: ['causal'],
  'update-atomic': ['read-atomic'],
  causal: ['read-atomic'],
  'read-atomic': ['monotonic-atomic-view'],
  'monotonic-snapshot-read': ['read-committed'],
  'monotonic-atomic-view': ['read-committed'],
  'monotonic-view': ['read-committed'],
  'cursor-stability': ['read-committed'],
  'strong-read-committed': ['strong-session-read-committed', 'strong-read-uncommitted'],
  'strong-session-read-committed': ['read-committed', 'strong-session-read-uncommitted'],
  'read-committed': ['read-uncommitted'],
  'strong-read-uncommitted': ['strong-session-read-uncommitted'],
  'strong-session-read-uncommitted': ['read-uncommitted'],
  'read-uncommitted': [],
} as const satisfies Readonly<Record<string, readonly string[]>>;

export type ConsistencyModel = keyof typeof weaker;

export const models = Object.keys(weaker) as ConsistencyModel[];

/** The weakest models that forbid each anomaly. */
const weakestRuledOut = {
  G0: ['read-uncommitted'],
  'G0-process': ['strong-session-read-uncommitted'],
  'G0-realtime': ['strong-read-uncommitted'],
  'duplicate-elements': ['read-uncommitted'],
  'thin-air-read': ['read-uncommitted'],
  G1a: ['read-committed'],
  G1b: ['read-committed'],
  G1c: ['read-committed'],
  'G1c-process': ['strong-session-read-committed'],
  'G1c-realtime': ['strong-read-committed'],
  'dirty-update': ['read-committed'],
  'future-read': ['read-committed'],
  'incompatible-order': ['read-committed'],
  internal: ['read-atomic'],
  // What was taken for granted of a key is not so.
  'cyclic-versions': ['read-uncommitted'],
  'lost-update': ['cursor-stability', 'update-atomic'],
  'G-single-item': ['consistent-view', 'repeatable-read'],
  'G-single-item-process': ['strong-session-snapshot-isolation'],
  'G-single-item-realtime': ['strong-snapshot-isolation'],
  'G-nonadjacent-item': ['repeatable-read', 'snapshot-isolation'],
  'G-nonadjacent-item-process': ['strong-session-snapshot-isolation'],
  'G-nonadjacent-item-realtime': ['strong-snapshot-isolation'],
  'G2-item': ['repeatable-read'],
  'G2-item-process': ['strong-session-serializable'],
  'G2-item-realtime': ['strict-serializable'],
  nonserializable: ['serializable'],
  'nonserializable-realtime': ['strict-serializable'],
} as const satisfies Readonly<Record<string, readonly ConsistencyModel[]>>;

/**
 * An anomaly, by Elle's name for it; `thin-air-read` is a read of what nobody wrote, and what is `nonserializable` was
 * put into every order, and none explains it.
 */
export type AnomalyName = keyof typeof weakestRuledOut;

export interface Refuted {
  /** The weakest of them: what matters most. */
  readonly not: readonly ConsistencyModel[];
  /** Every other model that falls with those. */
  readonly alsoNot: readonly ConsistencyModel[];
}

/** Every model that a history with these anomalies cannot satisfy. */
export function refutedBy(anomalies: Iterable<AnomalyName>): Refuted {
  const refuted = new Set<ConsistencyModel>();
  for (const anomaly of anomalies) for (const model of weakestRuledOut[anomaly]) refuted.add(model);
  // A model falls when one that it implies falls; names are few, so look until nothing changes.
  for (let size = -1; size !== refuted.size; ) {
    size = refuted.size;
    for (const model of models) if (weaker[model].some((one) => refuted.has(one))) refuted.add(model);
  }
  const isWeakest = (model: ConsistencyModel) => !weaker[model].some((one) => refuted.has(one));
  const all = models.filter((model) => refuted.has(model)).sort();
  return { not: all.filter(isWeakest), alsoNot: all.filter((model) => !isWeakest(model)) };
}

/** By anomaly, every model that it rules out. */
const ruledOut = new Map<AnomalyName, ReadonlySet<ConsistencyModel>>();

/** Whether an anomaly of this name is impossible under `model`. */
export function forbids(model: ConsistencyModel, anomaly: AnomalyName): boolean {
  let known = ruledOut.get(anomaly);
  if (!known) {
    const { not, alsoNot } = refutedBy([anomaly]);
    ruledOut.set(anomaly, (known = new Set([...not, ...alsoNot])));
  }
  return known.has(model);
}

/** Whether `anomaly` rules out nothing that `known` does not rule out, and is `known` with more time, or milder. */
export const impliedBy = (anomaly: AnomalyName, known: AnomalyName): boolean => {
  if (anomaly === known || anomaly.startsWith(`${known}-`)) return true;
  if (!/-(?:process|realtime)$/.test(anomaly)) return false;
  return weakestRuledOut[anomaly].every((model) => forbids(model, known));
};

/** How much of the order of time a model respects: none, that of each process, or real time. */
export type Clockwork = 'none' | 'process' | 'realtime';

export const clockworkOf = (model: ConsistencyModel): Clockwork => {
  if (forbids(model, 'G0-realtime')) return 'realtime';
  return forbids(model, 'G0-process') ? 'process' : 'none';
};
