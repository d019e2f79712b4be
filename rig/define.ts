/** What a room's file calls to say what it is: the types are inferred here, and verdicts are made here. */

import type {
  Anomaly,
  ApiName,
  Checker,
  Cluster,
  ControlName,
  Input,
  Json,
  Nemesis,
  Validity,
  Verdict,
  Workload,
} from './contract.ts';
import type { HttpServiceDefinition } from './service-definition.ts';

export const defineNemesis = <const C extends ControlName, Fault extends Json>(
  nemesis: Nemesis<C, Fault>,
): Nemesis<C, Fault> => nemesis;

export const defineWorkload = <A extends ApiName, In extends Input, Out extends Json>(
  workload: Workload<A, In, Out>,
): Workload<A, In, Out> => workload;

export const defineChecker = <In extends Input, Out extends Json>(checker: Checker<In, Out>): Checker<In, Out> =>
  checker;

/** Says how to reach a service over HTTP; a file that exports it by default is a cluster, `--cluster ./service.ts`. */
export const defineHttpService = (definition: HttpServiceDefinition): HttpServiceDefinition => definition;

export const defineCluster = (cluster: Cluster): Cluster => cluster;

/** A request ended badly. Whether it may have had an effect is decided by the class and the client's `definite` set. */
export class RequestError extends Error {
  override readonly name: string = 'RequestError';
  /** Short and kebab-case, `connection-refused`, so that it can be counted. */
  readonly errorClass: string;

  constructor(errorClass: string, detail = errorClass) {
    super(detail);
    this.errorClass = errorClass;
  }
}

/** The request certainly had no effect, whatever the client says. */
export class Refused extends RequestError {
  override readonly name = 'Refused';
}

export const valid = (checker: string, summary: string, statistics: Json = null): Verdict => ({
  checker,
  validity: 'valid',
  summary,
  anomalies: [],
  statistics,
});

export const unknown = (checker: string, summary: string, statistics: Json = null): Verdict => ({
  checker,
  validity: 'unknown',
  summary,
  anomalies: [],
  statistics,
});

export const invalid = (
  checker: string,
  summary: string,
  anomalies: readonly [Anomaly, ...Anomaly[]],
  statistics: Json = null,
): Verdict => ({ checker, validity: 'invalid', summary, anomalies, statistics });

const severity: readonly Validity[] = ['valid', 'unknown', 'invalid'];

/** The worst of them; with nothing checked, `unknown`. */
export function worst(validities: readonly Validity[]): Validity {
  if (validities.length === 0) return 'unknown';
  return severity[Math.max(...validities.map((validity) => severity.indexOf(validity)))] as Validity;
}
