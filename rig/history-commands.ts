/** What the commands for any history do: judge it, and print it for other tools. */

import { createReadStream, existsSync, statSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { basename, join, resolve } from 'node:path';
import pc from 'picocolors';
import { applyCheckers, type Court } from './apply-checkers.ts';
import { unknown, worst } from './define.ts';
import { durationMs } from './durations.ts';
import { exitOf, UsageError } from './exit.ts';
import { EXPORT_FORMATS, exported } from './export.ts';
import { readAnyHistory } from './formats.ts';
import { History } from './history.ts';
import { CAS_MISMATCH, findings, findingsPage, type Judge, judgeNamed, renamedFor, unfamiliar } from './judges.ts';
import { leave } from './mistakes.ts';
import { sentenceOf } from './outcome.ts';
import { isPluginPath } from './plugins.ts';
import { Store } from './store.ts';

const say = (text: string) => process.stderr.write(`${text}\n`);
const print = (text: string) => process.stdout.write(`${text}\n`);

/** Told of what is neither. */
const NOR_FILE = ' and no file';

export interface CheckFlags {
  readonly model?: string;
  readonly checker?: string;
  readonly timeout: string;
  readonly json?: boolean;
  /** Where to draw the page of a history that has no run. */
  readonly report?: string;
}

export async function check(wanted: string, flags: CheckFlags): Promise<void> {
  const timeoutMs = durationMs(flags.timeout, '--timeout');
  if (flags.model !== undefined && flags.checker !== undefined)
    throw new UsageError('give --model or --checker, not both');
  const chosen = await judgeWanted(flags);
  const source = await historyIn(wanted);
  if (source !== null) return checkFile(source, wanted, chosen, timeoutMs, flags);
  const directory = new Store().find(wanted, NOR_FILE);
  if (flags.report !== undefined)
    throw new UsageError(`--report is for a history file; the page of a run is drawn by: ordeal report ${wanted}`);
  const { checkAgain } = await import('./commands.ts');
  await checkAgain(directory, chosen?.checker ?? null, { timeoutMs, json: flags.json === true });
}

/** The most that is read of what is no file, in bytes: it is held at once. */
const MOST_PIPED = 1 << 30;

/** A file, or all of what comes through a pipe, `-` being the standard input; `null` if it is neither, and perhaps a run. */
async function historyIn(wanted: string): Promise<string | Uint8Array | null> {
  if (wanted === '-') return allOf(process.stdin);
  const kind = existsSync(wanted) ? statSync(wanted) : null;
  if (!kind || kind.isDirectory()) return null;
  return kind.isFile() ? wanted : allOf(createReadStream(wanted));
}

async function allOf(pipe: AsyncIterable<unknown>): Promise<Uint8Array> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of pipe as AsyncIterable<Buffer>) {
    length += chunk.length;
    if (length > MOST_PIPED)
      throw new UsageError(`more than ${MOST_PIPED >> 30} GiB comes through the pipe: give a file`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

/** The model or checker that was asked for, perhaps a user's own or by another name; `null` if none was. */
async function judgeWanted({ model, checker }: CheckFlags): Promise<Judge | null> {
  const wanted = model ?? checker;
  if (wanted === undefined) return null;
  const kind = model === undefined ? 'checker' : 'model';
  const isPlugin = kind === 'checker' && isPluginPath(wanted);
  const known = isPlugin ? null : await judgeNamed(wanted, kind);
  if (known) return known;
  const { admit, judgeBy } = await import('./rooms.ts');
  if (isPlugin) return judgeBy(await admit(resolve(wanted), 'checker'), 'checker');
  const judge = judgeBy(wanted, kind);
  say(`${wanted} is here the ${judge.kind} ${judge.name}`);
  return judge;
}

async function checkFile(
  source: string | Uint8Array,
  path: string,
  judge: Judge | null,
  timeoutMs: number,
  flags: CheckFlags,
): Promise<void> {
  if (!judge) {
    const { rooms } = await import('./rooms.ts');
    throw new UsageError(
      `${path} is a history without a run: say --model (${rooms.models.names.join(', ')}) or --checker (${rooms.checkers.names.join(', ')})`,
    );
  }
  const { history, format } = await readAnyHistory(source, renamedFor(judge.name));
  for (const warning of history.warnings.slice(0, 10)) say(`${pc.yellow('warning:')} ${warning}`);
  const court: Court = {
    timeoutMs,
    progress: (message) => {
      if (process.stderr.isTTY && !flags.json) say(message);
    },
  };
  const { verdicts, errors } = await verdictsOf(history, judge, court);
  const validity = worst(verdicts.map((verdict) => verdict.validity));
  if (flags.json) print(JSON.stringify(verdicts, null, 2));
  else {
    say(`${history.length} operation${history.length === 1 ? '' : 's'}, read as ${format}`);
    print(findings(verdicts, history, { colour: pc.isColorSupported }));
  }
  if (validity === 'invalid' && (await hangsOnFailedSwaps(history, format, judge, court)))
    say(
      `${pc.yellow('note:')} a failed cas without an error is taken here to have seen another value; if it says nothing of the value, this history is valid`,
    );
  if (flags.report !== undefined) {
    const page = await findingsPage(basename(path), history, verdicts);
    await writeFile(flags.report, page).catch((error: unknown) => {
      throw new UsageError(`--report ${flags.report} cannot be written: ${sentenceOf(error)}`);
    });
    say(`drawn in ${flags.report}`);
  }
  process.exitCode = exitOf({ validity, ending: 'complete', signal: undefined, errors, left: null }).code;
}

/** Formats that do not say why a compare-and-set failed. */
const SWAPS_ASSERT = ['Jepsen JSON lines', 'JSON objects', 'Jepsen log'];

/** Whether a history would be valid if a failed compare-and-set had seen nothing. */
async function hangsOnFailedSwaps(history: History, format: string, judge: Judge, court: Court): Promise<boolean> {
  const { errors } = history;
  if (judge.kind !== 'model' || !SWAPS_ASSERT.includes(format) || !errors.includes(CAS_MISMATCH)) return false;
  const silent = errors.map((error) => (error === CAS_MISMATCH ? 'unspecified' : error));
  const { verdicts } = await verdictsOf(new History({ ...history.parts, errors: silent }), judge, court);
  return verdicts.every(({ validity }) => validity === 'valid');
}

/** What the judge says of a history that may be from elsewhere: nothing, if it asks for what the judge does not know. */
async function verdictsOf(history: History, { name, checker }: Judge, court: Court) {
  const strange = unfamiliar(name, history.functions);
  if (strange !== null) return { verdicts: [unknown(checker.name, strange)], errors: [] };
  return applyCheckers(history, [checker], court);
}

export async function exportHistory(wanted: string, flags: { readonly format: string }): Promise<void> {
  const format = EXPORT_FORMATS.find((known) => known === flags.format);
  if (!format) throw new UsageError(`there is no format "${flags.format}"; there are ${EXPORT_FORMATS.join(', ')}`);
  const source = (await historyIn(wanted)) ?? join(new Store().find(wanted, NOR_FILE), 'history.jsonl');
  const { history } = await readAnyHistory(source);
  process.stdout.on('error', () => leave()); // Who reads it has seen enough, as `head` does.
  for (const line of exported(history, format))
    if (!process.stdout.write(line)) await new Promise((resolve) => process.stdout.once('drain', resolve));
}
