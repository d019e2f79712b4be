/** The end of a run as a terminal shows it: the verdict, what was asked, broken and judged, and what to do next. */

import { isAbsolute, join, relative } from 'node:path';
import pico from 'picocolors';
import type { FaultRecord, RunRecord, RunVerdict, Validity, Verdict } from '../rig/contract.ts';
import type { History } from '../rig/history.ts';
import { COPY_THESE, type Orders } from '../rig/left-behind.ts';
import { doubtsOf, leftBehind, outcomeOf } from './outcome.ts';
import { atSeconds, counted, duration, firstSentence, grouped, nodeOf, plain, sentence, told } from './phrases.ts';
import { type Scene, type SceneStep, scenesOf } from './scene.ts';

type Colours = ReturnType<typeof pico.createColors>;

const BAR_WIDTH = 32;

/** The final block, its lines joined by newlines; with `colour`, with terminal colours. Harmless whatever the run holds. */
export function summarise(run: RunRecord, { colour }: { readonly colour: boolean }): string {
  const colours = pico.createColors(colour);
  const { header, verdict } = run;
  const outcome = outcomeOf(verdict);
  const paint = { good: colours.green, bad: colours.red, unsure: colours.yellow }[outcome.tone];
  const lines = [`${paint(colours.bold(`${outcome.symbol} ${outcome.word}`))}  ${sentence(verdict.summary, 240)}`];
  const [scene] = scenesOf(verdict.verdicts, run.history, 1, 8);
  if (scene) lines.push('', ...counterexampleLines(scene, colours), '');
  lines.push(...reasonLines(verdict, scene !== undefined));
  const facts: readonly (readonly [string, string])[] = [
    ['asked', askedLine(verdict)],
    ['broken', brokenLine(verdict.faults)],
    ['judged', judgedLine(verdict)],
    ...promisedLines(verdict),
    ['report', fromHere(join(run.directory, 'report.html'))],
    ['again', plain(header.command, 400)],
  ];
  for (const [name, text] of facts) lines.push(`  ${colours.dim(name.padEnd(6))}  ${text}`);
  const left = leftBehind(verdict);
  if (left !== null) lines.push('', ...alarmLines(left, colours));
  return lines.join('\n');
}

/** What was found in a history that has no run: each verdict in a sentence, and the worst counterexample as a time-line. */
export function findings(
  verdicts: readonly Verdict[],
  history: History,
  { colour }: { readonly colour: boolean },
): string {
  const colours = pico.createColors(colour);
  const paint = { valid: colours.green, unknown: colours.yellow, invalid: colours.red };
  const lines = verdicts.map(
    ({ validity, summary }) => `${paint[validity](colours.bold(validity))}: ${plain(summary, 400)}`,
  );
  const [scene, ...others] = scenesOf(verdicts, history, 4, 8);
  if (!scene) return lines.join('\n');
  lines.push('', ...counterexampleLines(scene, colours));
  const total = verdicts.reduce((sum, verdict) => sum + verdict.anomalies.length, 0);
  const told = new Set([scene.anomaly.name]);
  for (const { anomaly } of others) {
    if (!told.has(anomaly.name))
      lines.push(`  · ${plain(anomaly.name, 60)}: ${sentence(firstSentence(anomaly.explanation), 200)}`);
    told.add(anomaly.name);
  }
  if (total > 1)
    lines.push(`  … and ${counted(total - 1, 'more anomaly', 'more anomalies')}; --report FILE.html draws them`);
  return lines.join('\n');
}

/** For whoever is called in the night: what is wrong, and lines to copy. */
function alarmLines({ problems, commands }: Orders, colours: Colours): string[] {
  return [
    colours.red(colours.bold('! A fault may still be in force, or something was left behind:')),
    ...problems.slice(0, 12).map((problem) => colours.red(`  · ${plain(problem, 400)}`)),
    `  ${COPY_THESE}`,
    ...commands.slice(0, 12).map((command) => `      ${plain(command, 600)}`),
  ];
}

/** Why it is not a pass; `errorsOnly` where a counterexample says more than what could not be decided. */
function reasonLines(verdict: RunVerdict, errorsOnly: boolean): string[] {
  const reasons = doubtsOf(errorsOnly ? { ...verdict, verdicts: [] } : verdict);
  const lines = reasons.slice(0, 6).map(({ source, reason }) => `  · ${plain(source, 40)}: ${plain(reason, 240)}`);
  return reasons.length > 6 ? [...lines, `  · … and ${reasons.length - 6} more`] : lines;
}

function askedLine(verdict: RunVerdict): string {
  const counts = Object.values(verdict.counts);
  const sum = (type: 'ok' | 'fail' | 'info') => counts.reduce((total, count) => total + count[type], 0);
  const [ok, fail, info] = [sum('ok'), sum('fail'), sum('info')];
  return (
    `${counted(ok + fail + info, 'operation')} in ${duration(verdict.durationMs)}: ` +
    `${grouped(ok)} ok, ${grouped(fail)} failed, ${grouped(info)} unknown`
  );
}

function brokenLine(faults: readonly FaultRecord[]): string {
  if (faults.length === 0) return 'nothing: no fault was injected';
  const kinds = new Map<string, number>();
  for (const { nemesis } of faults) kinds.set(nemesis, (kinds.get(nemesis) ?? 0) + 1);
  const list = [...kinds].map(([kind, count]) => `${count} × ${plain(kind, 40)}`).join(', ');
  const healed = faults.filter((fault) => fault.releasedNs !== null && fault.stuck === null).length;
  const bit = faults.filter((fault) => fault.evidence?.effective).length;
  const undone = healed === faults.length ? 'all undone' : `${healed} of ${faults.length} undone`;
  const seen =
    bit === faults.length ? 'all seen to have an effect' : `${bit} of ${faults.length} seen to have an effect`;
  return `${counted(faults.length, 'fault')} (${list}): ${seen}, ${undone}`;
}

function judgedLine(verdict: RunVerdict): string {
  if (verdict.verdicts.length === 0) return 'nothing was judged';
  return verdict.verdicts.map(({ checker, validity }) => `${plain(checker, 40)} ${validity}`).join(' · ');
}

/** Which guarantees were judged by themselves, and which were not for lack of evidence. */
function promisedLines({ verdicts }: RunVerdict): readonly (readonly [string, string])[] {
  const guarantees = verdicts.flatMap((one) => one.guarantees ?? []);
  if (guarantees.length === 0) return [];
  const named = (validity: Validity) =>
    guarantees.filter((one) => one.validity === validity).map(({ name }) => plain(name, 60));
  const [kept, broken, open] = [named('valid'), named('invalid'), named('unknown')];
  const told = [
    `${counted(kept.length, 'guarantee')} kept`,
    broken.length > 0 && `broken: ${broken.join(', ')}`,
    open.length > 0 && `not judged: ${open.join(', ')}`,
  ];
  return [['proven', told.filter((one) => typeof one === 'string').join('; ')]];
}

/** The path as one would type it here. */
function fromHere(path: string): string {
  const short = relative(process.cwd(), path);
  return plain(short.startsWith('..') || isAbsolute(short) ? path : short, 400);
}

/** At most 20 lines: what is wrong, the operations against time, the legal order, and what cannot follow it. */
function counterexampleLines(scene: Scene, colours: Colours): string[] {
  const { anomaly, steps, omitted } = scene;
  // The edges of a cycle are told below the picture, in place of the explanation.
  const explanation = scene.edges.length > 0 ? firstSentence(anomaly.explanation) : anomaly.explanation;
  const [first = '', ...rest] = wrapped(`${plain(anomaly.name, 60)}: ${sentence(explanation, 400)}`);
  const head = [`  ${colours.bold(first)}`, ...rest.map((line) => `  ${line}`)];
  if (steps.length === 0) return head;
  const lines = [...head, '', ...timeLines(steps, colours)];
  if (omitted > 0) lines.push(`  … and ${counted(omitted, 'more operation')}, in the report`);
  for (const edge of scene.edges.slice(0, 8)) lines.push(...wrapped(plain(edge, 400)).map((line) => `  ${line}`));
  const placed = steps.filter((step) => step.place).sort((a, b) => (a.place?.number ?? 0) - (b.place?.number ?? 0));
  if (placed.length > 0) {
    const order = placed.slice(-6).map((step) => `#${step.operation.index} (${plain(step.place?.state ?? '', 40)})`);
    lines.push(`  a legal order: ${placed.length > 6 ? '… then ' : ''}${order.join(', then ')}`);
  }
  // What the explanation is made of need not be said twice.
  const isTold = (reason: string) => !scene.ordered && reason === anomaly.explanation;
  for (const step of steps.filter(({ impossible = null }) => impossible !== null && !isTold(impossible)).slice(0, 3))
    lines.push(
      colours.red(
        `  ✗ #${step.operation.index} ${scene.ordered ? 'cannot come next' : 'cannot be'}: ${plain(step.impossible ?? '', 200)}`,
      ),
    );
  return lines;
}

/** The text in lines of about 100 characters. */
const wrapped = (text: string): string[] =>
  text.match(/.{1,100}(?:\s|$)|\S{1,100}/g)?.map((line) => line.trimEnd()) ?? [];

/** Each operation on a line of its own, drawn against time and said in words. What begins or ends before what is exact; distances are not. */
function timeLines(steps: readonly SceneStep[], colours: Colours): string[] {
  const times = [...new Set(steps.flatMap((step) => [step.operation.invokedNs, step.endNs]))].sort((a, b) => a - b);
  const gap = Math.max(1, Math.min(3, Math.floor((BAR_WIDTH - 1) / Math.max(1, times.length - 1))));
  const width = (times.length - 1) * gap + 2;
  const indexWidth = Math.max(
    ...steps.map(({ operation, label }) => `${label ?? ''} #${operation.index}`.trim().length),
  );
  const [from, to] = [atSeconds(times[0] ?? 0), atSeconds(times.at(-1) ?? 0)];
  const isTimed = from !== to;
  const lines = !isTimed
    ? []
    : [colours.dim(`${' '.repeat(indexWidth + 5)}${from}${to.padStart(Math.max(to.length + 1, width - from.length))}`)];
  for (const step of steps) {
    const { operation } = step;
    const start = times.indexOf(operation.invokedNs) * gap;
    const end = Math.max(start + 1, times.indexOf(step.endNs) * gap);
    const body = (step.impossible === undefined ? '-' : '=').repeat(end - start - 1);
    const close = { ok: '|', fail: 'x', info: '?' }[operation.completion.type];
    const bar = `${' '.repeat(start)}|${body}${close}`.padEnd(width);
    const words = told(operation.input, operation.completion);
    const who = plain(nodeOf(operation) || `p${operation.process}`, 12).padEnd(3);
    const name = `${step.label ?? ''} #${operation.index}`.trim().padStart(indexWidth);
    const line = `${name} ${bar} ${who} ${plain(words, 120)}`;
    lines.push(step.impossible === undefined ? `    ${line}` : colours.red(`  ✗ ${line}`));
  }
  return lines;
}
