/**
 * What nobody caught, and an end of the process that nobody ordered: neither may pass for a verdict, be it a mistake in
 * Ordeal or in the nemesis, workload or checker of somebody else.
 */

import pc from 'picocolors';
import { EXIT } from './exit.ts';
import { culpritOf } from './plugins.ts';

/** A run that is under way: it heals first. */
interface Heir {
  readonly runId: () => string;
  readonly receive: (error: unknown) => void;
}

let heir: Heir | null = null;
let isOrdered = false;

/** For the whole life of the process; to be called once. */
export function watchForMistakes(): void {
  for (const mistake of ['uncaughtException', 'unhandledRejection'] as const)
    process.on(mistake, (error: unknown) => (heir ? heir.receive(error) : leave(tellMistake(error))));
  process.on('exit', () => {
    if (isOrdered) return;
    const [code, advice] = heir
      ? [EXIT.faultMayBeActive, `; what is in force is undone by its watchdog, or now by: ordeal heal ${heir.runId()}`]
      : [EXIT.couldNotBeDone, ''];
    say(`ended in the middle of its work: something that it was given called process.exit${advice}`);
    process.exitCode = code;
  });
}

/** Mistakes go there as long as it is under way. Returns how to say that it is not any more. */
export function inherit(next: Heir): () => void {
  heir = next;
  return () => void (heir = null);
}

/** Ends the process; nothing else does. Without a code, with the one that was set. */
export function leave(code?: number): never {
  isOrdered = true;
  if (code !== undefined) process.exitCode = code;
  process.exit();
}

/** Tells a person whose mistake it was. Returns the exit code. */
export function tellMistake(error: unknown): number {
  const stack = error instanceof Error ? (error.stack ?? error.message) : String(error);
  const isOurs = culpritOf(error) === null;
  say(`${whose(error)}${isOurs ? ', please report it with this' : ''}:\n${stack}`);
  return isOurs ? EXIT.bugInOrdeal : EXIT.couldNotBeDone;
}

/** `a bug in Ordeal`, or whose mistake it is. */
export function whose(error: unknown): string {
  const culprit = culpritOf(error);
  return culprit === null ? 'a bug in Ordeal' : `a mistake in ${culprit}`;
}

const say = (text: string) => process.stderr.write(`${pc.red('ordeal:')} ${text}\n`);
