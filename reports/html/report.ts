/**
 * `report.html`: one file that opens from disk, loads nothing, and can be read with scripts off. Drawing is bounded,
 * and a part that cannot be drawn becomes a sentence; it never changes a verdict.
 */

import { createHash } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Report, RunRecord } from '../../rig/contract.ts';
import { packageRoot } from '../../rig/package-root.ts';
import { type Outcome, outcomeOf } from '../outcome.ts';
import { plain } from '../phrases.ts';
import { scenesOf } from '../scene.ts';
import { charts } from './charts.ts';
import { checks } from './checks.ts';
import { counterexamples } from './counterexamples.ts';
import { doubts } from './doubts.ts';
import { environment, files, runAgain, warnings } from './environment.ts';
import { faultsTable } from './faults-table.ts';
import { Markup, markup } from './markup.ts';
import { style } from './style.ts';
import { timeline } from './timeline.ts';
import { verdictBar } from './verdict-bar.ts';

export const html: Report = {
  name: 'html',
  async write(run) {
    await writeFile(join(run.directory, 'report.html'), await page(run));
    return ['report.html'];
  },
};

/** The whole file as text. */
async function page(run: RunRecord): Promise<string> {
  const outcome = outcomeOf(run.verdict);
  const scenes = scenesOf(run.verdict.verdicts, run.history, 12);
  const witnesses = scenes.flatMap((scene) => scene.steps.map((step) => step.operation.index));
  const sections = await Promise.all([
    part('What went wrong', () => counterexamples(run.verdict.verdicts, scenes)),
    part('Why it is not a pass', () => doubts(run.verdict)),
    part('What was broken', () => faultsTable(run)),
    part('Over time', () => charts(run)),
    part('Every operation', () => timeline(run, witnesses)),
    part('How it was judged', () => checks(run.verdict)),
    part('Run it again', () => runAgain(run.header)),
    part('Environment', () => environment(run.header)),
    part('Warnings', () => warnings(run)),
    part('Files', () => files(run)),
  ]);
  const script = await browserScript();
  const body = markup`
<a class="skip" href="#content">Skip to the findings</a>
${verdictBar(run, outcome)}
<main id="content">${sections}</main>
<footer>Drawn by Ordeal from <code>history.jsonl</code> and <code>verdict.json</code>; <code>ordeal report</code> draws it again.</footer>`;
  return document(run.header.spec.name, outcome, body, script);
}

/** One section; what cannot be drawn says so instead of taking the page with it. */
export async function part(title: string, draw: () => Markup | null | Promise<Markup | null>): Promise<Markup | null> {
  try {
    return await draw();
  } catch (error) {
    return markup`<section><h2>${title}</h2><p class="note">This part could not be drawn: ${plain(String(error), 300)}</p></section>`;
  }
}

/** The file around `body`, which loads nothing. */
export function document(name: string, outcome: Outcome, body: Markup, script: string): string {
  const policy = [
    "default-src 'none'",
    `script-src '${digest(script)}'`,
    `style-src '${digest(style)}'`,
    'img-src data:',
    "base-uri 'none'",
    "form-action 'none'",
  ].join('; ');
  return markup`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${outcome.symbol} ${outcome.word} · ${plain(name, 80)} · Ordeal</title>
<link rel="icon" href="${icon(outcome)}">
<style>${new Markup(style)}</style>
</head>
<body>${body}
<script>${new Markup(script)}</script>
</body>
</html>
`.text;
}

const digest = (text: string): string => `sha256-${createHash('sha256').update(text).digest('base64')}`;

function icon({ symbol, tone }: Outcome): string {
  const fill = { good: '#00704f', bad: '#b3400a', unsure: '#8a6100' }[tone];
  const svg =
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32"><rect width="32" height="32" rx="7" fill="${fill}"/>` +
    `<text x="16" y="24" font-size="22" font-family="sans-serif" font-weight="700" text-anchor="middle" fill="#fff">${symbol}</text></svg>`;
  return `data:image/svg+xml,${encodeURIComponent(svg)}`;
}

/** In the order in which they are joined: each imports only from those before it. */
const BROWSER_FILES = ['operations.js', 'view.js', 'painter.js', 'details.js', 'timeline.js', 'page.js'];

/**
 * The page's own script. Its modules run in the browser as they are written, so they are read as text and joined into
 * one: a page opened from disk may not import.
 */
export async function browserScript(): Promise<string> {
  const folder = join(packageRoot, 'reports', 'html', 'browser');
  const texts = await Promise.all(BROWSER_FILES.map((name) => readFile(join(folder, name), 'utf8')));
  const joined = texts.join('\n').replace(/^import [^;]*;\n|^export (?=const|function|async)/gm, '');
  return `(() => {\n'use strict';\n${joined}\n})();\n`;
}
