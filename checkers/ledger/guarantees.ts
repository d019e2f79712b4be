/**
 * The guarantees behind exactly-once, each by itself: kept, broken, or not judged because a run never put it to the
 * test. A pass says nothing of those, so each names the evidence that is missing.
 *
 * After the IETF's draft on the Idempotency-Key header field, RFC 9110 section 9.2, and RIFL (Lee et al., SOSP 2015).
 */

import type { Guarantee } from '../../rig/contract.ts';
import { INFO, NEVER } from '../../rig/history.ts';
import type { Coverage } from './coverage.ts';
import { wasRefused } from './evidence.ts';
import type { Findings } from './findings.ts';
import type { Terms } from './terms.ts';
import type { Ages } from './service-requests.ts';

interface Rule {
  readonly name: string;
  /** Anomalies that break it. */
  readonly brokenBy: readonly string[];
  readonly cases: number;
  /** Said where there is no case. */
  readonly missing: string;
}

/** Every guarantee, in the order of the questions people ask. */
export function guaranteesOf(findings: Findings, coverage: Coverage, ages: Ages | null): readonly Guarantee[] {
  const rules = [
    ...ofEffects(findings),
    ...ofAnswers(findings, coverage),
    ...ofTroubles(findings, coverage),
    ...ofAges(ages),
  ];
  return rules.map((rule) => {
    const broken = rule.brokenBy.filter((anomaly) => findings.counts[anomaly] !== undefined);
    if (broken.length > 0)
      return { name: rule.name, validity: 'invalid', cases: rule.cases, reason: broken.join(', ') };
    if (rule.cases > 0) return { name: rule.name, validity: 'valid', cases: rule.cases };
    return { name: rule.name, validity: 'unknown', cases: 0, reason: rule.missing };
  });
}

/** Those that are not judged, `at most once: nothing was applied`. */
export const notJudged = (guarantees: readonly Guarantee[]): readonly string[] =>
  guarantees.filter(({ validity }) => validity === 'unknown').map(({ name, reason }) => `${name}: ${reason}`);

function ofEffects({ history, evidence, terms }: Findings): readonly Rule[] {
  const transfers = [...evidence.transfers.values()];
  const hasList = evidence.listings.length > 0;
  const counted = (cases: number) => (hasList ? cases : 0);
  const noList = `no list of what was applied was read`;
  return [
    {
      name: 'at most once',
      brokenBy: ['duplicate-application', 'phantom-application'],
      cases: evidence.listings.reduce((most, { applied }) => Math.max(most, applied.size), 0),
      missing: hasList ? 'nothing was applied' : noList,
    },
    {
      name: 'acknowledged means applied',
      brokenBy: ['acknowledged-not-applied', 'lost-application'],
      cases: counted(transfers.filter(({ ackedAt }) => ackedAt !== NEVER).length),
      missing: hasList ? `no ${terms.noun} was acknowledged` : noList,
    },
    {
      name: 'refused means never applied',
      brokenBy: ['rejected-but-applied'],
      cases: counted(transfers.filter((transfer) => wasRefused(history, transfer, NEVER)).length),
      missing: hasList ? `no ${terms.noun} was refused for good` : noList,
    },
    {
      name: 'conservation',
      brokenBy: ['money-not-conserved', 'stale-balance', 'stale-beyond-bound'],
      cases: evidence.accountReads.length + evidence.balanceReads.length,
      missing: 'no balance was read',
    },
  ];
}

function ofAnswers(findings: Findings, coverage: Coverage): readonly Rule[] {
  const { history, evidence } = findings;
  const transfers = [...evidence.transfers.values()];
  const answeredTwice = transfers.filter(
    ({ attempts }) => attempts.filter((at) => evidence.receipts[at] !== undefined).length > 1,
  );
  const doubted = transfers.filter(({ attempts }) =>
    attempts.some((at, nth) => history.type[at] === INFO && nth + 1 < attempts.length),
  );
  return [
    {
      name: 'a doubt is settled by asking again',
      brokenBy: ['unresolved-outcome'],
      cases: doubted.length,
      missing: 'nothing was asked for again after an answer was lost',
    },
    {
      name: 'one key, one answer',
      brokenBy: ['unstable-response', 'foreign-response'],
      cases: Math.max(answeredTwice.length, coverage.wire?.copiesAnswered ?? 0),
      missing: 'no request was answered twice',
    },
    {
      name: 'one key, one payload',
      brokenBy: ['payload-ignored', 'key-collision'],
      cases: coverage.reusedKeys,
      missing: 'no key was used with another payload',
    },
    ofForms(findings.terms, coverage),
    {
      name: 'concurrent duplicates',
      brokenBy: [],
      cases: coverage.concurrentDuplicates,
      missing: 'nothing was under way through two nodes at one time',
    },
    {
      name: 'no key stays taken',
      brokenBy: ['stuck-key'],
      cases: coverage.inUse,
      missing: 'no key was found in use',
    },
    {
      name: 'keys have a scope',
      brokenBy: ['scope-leak'],
      cases: coverage.sharedKeys,
      missing: 'no two payers or tenants used the same key',
    },
    {
      name: 'long keys stay apart',
      brokenBy: [],
      cases: coverage.similarKeys,
      missing: 'no long keys that begin alike were used',
    },
  ];
}

const ofForms = ({ comparesMeaning }: Terms, { otherForms }: Coverage): Rule => ({
  name: 'a payload is what it means, not how it is written',
  brokenBy: ['equal-payload-refused'],
  cases: comparesMeaning ? otherForms : 0,
  missing: comparesMeaning ? 'nothing was repeated in another form' : 'the service may compare payloads by their bytes',
});

/** What troubles a guarantee needs, by the words in the names of their nemeses. */
const TROUBLES: readonly (readonly [name: string, words: RegExp, missing: string])[] = [
  ['crashes', /kill|crash|restart|power|terminate/, 'no node died with a request under way'],
  ['failover of the store', /failover/, 'no store failed over'],
  ['restore from a backup', /restore/, 'no backup was restored'],
];

function ofTroubles(findings: Findings, { wire }: Coverage): readonly Rule[] {
  const noLog = 'there is no wire log';
  return [
    {
      name: 'no hidden retries',
      brokenBy: ['hidden-retry'],
      cases: wire?.incomplete === null ? wire.keyed : 0,
      missing: wire?.incomplete ?? (wire ? 'no keyed request was sent' : noLog),
    },
    {
      name: 'duplicates that clients know nothing of',
      brokenBy: [],
      cases: wire?.copies ?? 0,
      missing: wire ? 'none was delivered' : noLog,
    },
    {
      name: 'lost answers',
      brokenBy: [],
      cases: wire?.answersLost ?? 0,
      missing: wire ? 'none was lost' : noLog,
    },
    ...TROUBLES.map(([name, words, missing]) => ({ name, brokenBy: [], cases: underWay(findings, words), missing })),
  ];
}

const [KEPT, OVER] = ['how long keys are kept', 'what becomes of old keys'] as const;
/** Those that only a declared retention can put to the test. */
export const AGE_GUARANTEES: readonly string[] = [KEPT, OVER];

function ofAges(ages: Ages | null): readonly Rule[] {
  const { declared, whileKept = 0, whenOver = 0, unclear = 0 } = ages ?? {};
  const leftOut = {
    name: 'keys of an unclear age',
    brokenBy: [],
    cases: 0,
    missing: `${unclear} keys were used when the service might have known them or not`,
  };
  return [
    {
      name: KEPT,
      brokenBy: ['key-forgotten'],
      cases: whileKept,
      missing: declared?.kept
        ? 'nothing was asked for again at the end of the declared retention'
        : 'no retention of keys is declared',
    },
    {
      name: OVER,
      brokenBy: ['key-not-forgotten', 'expired-key-applied'],
      cases: whenOver,
      missing: declared?.over
        ? 'nothing was asked for again after the declared expiry of keys'
        : 'nothing is declared of keys after their retention',
    },
    ...(unclear > 0 ? [leftOut] : []),
  ];
}

/** Transfers that were under way while a fault of such a nemesis was in force. */
function underWay({ history, evidence }: Findings, words: RegExp): number {
  const windows: (readonly [fromNs: number, untilNs: number])[] = [];
  for (const { nemesis, action, hold, timeNs } of history.faults) {
    if (action !== 'injected' || !words.test(nemesis)) continue;
    const end = history.faults.find((other) => other.hold === hold && other.action === 'released');
    windows.push([timeNs, end?.timeNs ?? history.lastNs]);
  }
  if (windows.length === 0) return 0;
  let count = 0;
  for (const { attempts } of evidence.transfers.values()) {
    const fromNs = history.invokedNs[attempts[0] as number] as number;
    const last = history.endedNs(attempts.at(-1) as number);
    const untilNs = Number.isNaN(last) ? history.lastNs : last;
    if (windows.some(([from, until]) => fromNs <= until && untilNs >= from)) count++;
  }
  return count;
}
