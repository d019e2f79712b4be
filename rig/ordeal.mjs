#!/usr/bin/env node
// Starts Ordeal's command line from its compiled form, which a checkout makes on first use.
import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const main = join(root, 'dist', 'rig', 'main.js');
if (!existsSync(main)) {
  process.stderr.write('ordeal: compiling, once\n');
  const compiler = join(root, 'node_modules', 'typescript', 'bin', 'tsc');
  try {
    execFileSync(process.execPath, [compiler, '-p', join(root, 'tsconfig.json')], { stdio: ['ignore', 2, 2] });
  } catch {
    process.stderr.write('ordeal: it could not be compiled; run `npm ci` in its folder first\n');
    process.exit(70);
  }
}
try {
  const { main: begin } = await import(main);
  await begin(process.argv);
} catch (error) {
  // Node's own exit code for this is 1, which here means that a system broke a promise.
  process.stderr.write(`ordeal: a bug in Ordeal, please report it with this:\n${error?.stack ?? error}\n`);
  process.exit(70);
}
