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

/** Whether the key was read after its last acknowledged write. */
function judge(found: Anomalies, history: RegisterHistory, register: Register, last: Write): boolean {
  const at = register.reads.at(-1);
  if (at === undefined || (history.invokeIndex[at] as number) < last.until) return false;
  const value = history.output(at) ?? null;
  const write = register.writeOf(value);
  const isOlder = value === null || (write !== undefined && write.until < last.from);
  if (!isOlder) return true;
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
  return true;
}

export const lostWrites = defineChecker<RegisterInput, RegisterOutput>({
  name: 'lost-writes',
  check(history) {
    const found = new Anomalies(history);
    const registers = registersIn(history);
    let judged = 0;
    let unread = 0;
    let ambiguous = 0;
    for (const register of registers) {
      const last = lastAcknowledged(register);
      if (!register.isUnique) ambiguous++;
      else if (last) {
        if (judge(found, history, register, last)) judged++;
        else unread++;
      }
    }
    const missing = judged + unread + ambiguous === 0 ? ['no write was acknowledged'] : [];
    if (unread > 0) missing.push(`${count(unread, 'key')} were not read after the last acknowledged write`);
    if (ambiguous > 0)
      missing.push(`${count(ambiguous, 'key')} could not be judged, of which a value or \`null\` was written twice`);
    return found.conclude({
      checker: 'lost-writes',
      guarantee: 'no acknowledged write is missing from what is read last',
      seen: `${count(judged, 'key')} read after their last acknowledged write`,
      missing,
      statistics: { keys: registers.length, judged, unread, ambiguousKeys: ambiguous },
    });
  },
});
