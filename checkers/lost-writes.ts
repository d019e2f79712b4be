/**
 * Is every acknowledged write still there, or overwritten, in what is read last? A write is lost if the last read of
 * its key returns a value that was wholly written before it. For registers of unique values, linear.
 */

import { defineChecker } from '../rig/define.ts';
import { Anomalies, count } from './anomalies.ts';
import type { RegisterInput, RegisterOutput } from './models/register.ts';
import { type Register, type RegisterHistory, registersIn, type Write } from './register/writes.ts';
import { said } from './values.ts';
import { nameOf } from './wording.ts';

/** The acknowledged write that was asked for last. */
const lastAcknowledged = ({ writes }: Register): Write | undefined => writes.findLast(({ until }) => until < Infinity);

/** Of the last read of a key: it was before the last acknowledged write, or saw what nobody wrote; or it tells. */
type Fate = 'unread' | 'unwritten' | 'judged';

function judge(found: Anomalies, history: RegisterHistory, register: Register, last: Write): Fate {
  const at = register.reads.at(-1);
  if (at === undefined || (history.invokeIndex[at] as number) < last.until) return 'unread';
  const value = history.output(at) ?? null;
  const write = register.writeOf(value);
  if (value !== null && !write) return 'unwritten';
  const isOlder = !write || write.until < last.from;
  if (!isOlder) return 'judged';
  const lost = register.writes.filter(({ from, until }) => until < Infinity && from > (write?.until ?? -1)).length;
  found.add('lost-write', () => {
    const old = write ? `${said(value)}, which had been written before (${nameOf(history, write.at)})` : 'absent';
    return {
      subject: `key ${said(register.key)}`,
      explanation: `the write of ${said(last.value)} to key ${said(register.key)} was acknowledged (${nameOf(history, last.at)}), and yet the last read (${nameOf(history, at)}) finds the key ${old}; ${count(lost, 'acknowledged write')} of the key ${lost === 1 ? 'is' : 'are'} gone with it`,
      operations: [...(write ? [write.at] : []), last.at, at],
      detail: { lost },
    };
  });
  return 'judged';
}

export const lostWrites = defineChecker<RegisterInput, RegisterOutput>({
  name: 'lost-writes',
  check(history) {
    const found = new Anomalies(history);
    const registers = registersIn(history);
    const fates = { judged: 0, unread: 0, unwritten: 0 };
    let ambiguous = 0;
    for (const register of registers) {
      const last = lastAcknowledged(register);
      if (!register.isUnique) ambiguous++;
      else if (last) fates[judge(found, history, register, last)]++;
    }
    const { judged, unread, unwritten } = fates;
    const missing = judged + unread + unwritten + ambiguous === 0 ? ['no write was acknowledged'] : [];
    if (unread > 0) missing.push(`${count(unread, 'key')} were not read after the last acknowledged write`);
    if (unwritten > 0) missing.push(`${count(unwritten, 'key')} held in the end what nobody wrote`);
    if (ambiguous > 0)
      missing.push(`${count(ambiguous, 'key')} could not be judged, of which a value or \`null\` was written twice`);
    return found.conclude({
      checker: 'lost-writes',
      guarantee: 'no acknowledged write is missing from what is read last',
      seen: `${count(judged, 'key')} read after their last acknowledged write`,
      missing,
      statistics: { keys: registers.length, judged, unread, unwritten, ambiguousKeys: ambiguous },
    });
  },
});
