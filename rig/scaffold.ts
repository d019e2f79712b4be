/** `ordeal nemesis new`, `workload new` and `checker new`: files to begin with, which work as they are. */

import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { UsageError } from './exit.ts';
import { rooms } from './rooms.ts';

const nemesisFile = (
  name: string,
): string => `/** Pauses one node: it keeps its connections and its beliefs, and wakes up late. */

import { defineNemesis } from 'ordeal';

export default defineNemesis({
  name: '${name}',
  summary: 'Pauses one node.',

  // What inject may use: network (drop), processes (kill, pause). A cluster that lacks one refuses the nemesis.
  controls: ['processes'],

  // Pure: all chance comes from rng. What it returns is JSON; it is written to disk before anything is touched.
  choose: ({ rng, nodes }) => ({ node: rng.pick(nodes) }),

  // Resolves once the fault is in force. There is no undo here: the rig undoes whatever the controls did.
  inject: ({ node }, { processes }) => processes.pause([node]),

  // One plain sentence, for the plan, the log and the report.
  describe: ({ node }) => \`\${node} is paused\`,
});
`;

const workloadFile = (
  name: string,
): string => `/** Writes and reads a few keys, and asks whether all of it could have happened one after the other. */

import { defineWorkload } from 'ordeal';
import { linearizable, models } from 'ordeal/checkers';

export default defineWorkload({
  name: '${name}',
  summary: 'Writes and reads a few keys.',

  // How clients talk to the system. A cluster that does not offer it refuses the workload.
  api: 'kv',

  // What the answers are judged by: shipped checkers, and your own.
  checkers: [linearizable(models.register)],

  // What it means to ask twice. A lost read is a fail; a lost write may have happened, or may happen yet: an info.
  semantics: { read: 'safe', write: 'unsafe' },

  // One for each worker. All chance comes from rng; a yield returns how that request ended.
  *generator({ worker, rng }) {
    for (let value = worker * 1_000_000; ; value++) {
      const key = \`k\${rng.integer(1, 5)}\`;
      yield rng.chance(0.5) ? { f: 'read', key } : { f: 'write', key, value };
    }
  },

  // One request. Whatever it returns is the output; throw Refused for a definite no.
  async invoke(kv, { f, key, value }, signal) {
    if (f === 'read') return kv.get(key, signal);
    await kv.put(key, value, signal);
    return null;
  },
});
`;

const checkerFile = (name: string): string => `/** Nobody reads what nobody wrote. */

import { defineChecker, invalid, unknown, valid } from 'ordeal';

export default defineChecker({
  name: '${name}',

  // A function of the history alone: no clock, no disk, no cluster.
  check(history, budget) {
    const written = new Set(['null']);
    for (const { input } of history.operations()) written.add(JSON.stringify(input.value ?? input.to ?? null));

    const anomalies = [];
    let reads = 0;
    for (const { index, input, completion } of history.operations()) {
      // Whoever takes long must ask from time to time whether there is time left.
      if (budget.exhausted()) return unknown('${name}', \`\${budget.reason()} ran out\`);
      if (input.f !== 'read' || completion.type !== 'ok') continue;
      reads++;
      if (written.has(JSON.stringify(completion.output))) continue;
      // An operation is named by its index; the report shows the witnesses.
      const explanation = \`operation \${index} read \${JSON.stringify(completion.output)}, which nobody wrote\`;
      anomalies.push({ name: 'invented-value', explanation, witnesses: [index] });
    }

    // What had nothing to judge has proven nothing.
    if (reads === 0) return unknown('${name}', 'nothing was read');
    const [first, ...others] = anomalies;
    if (first) return invalid('${name}', \`\${anomalies.length} reads were of what nobody wrote\`, [first, ...others]);
    return valid('${name}', \`\${reads} reads were of what somebody wrote\`);
  },
});
`;

interface Kind {
  readonly example: string;
  readonly names: () => readonly string[];
  readonly file: (name: string) => string;
  /** What to do with it next, before the name of the file. */
  readonly next: readonly string[];
}

const kinds = {
  nemesis: {
    example: 'slow-disk',
    names: () => rooms.nemeses.names,
    file: nemesisFile,
    next: ['nemesis test', 'nemesis try', 'run --nemesis'],
  },
  workload: {
    example: 'busy-counter',
    names: () => rooms.workloads.names,
    file: workloadFile,
    next: ['workload test', 'run --cluster memory --workload'],
  },
  checker: {
    example: 'no-old-reads',
    names: () => rooms.checkers.names,
    file: checkerFile,
    next: ['checker test', 'check latest --checker'],
  },
} as const satisfies Record<string, Kind>;

/** Writes `NAME.ts` and says what to do next. Never overwrites anything. */
export function writeNew(kind: keyof typeof kinds, wanted: string): void {
  const { example, names, file: textOf, next }: Kind = kinds[kind];
  const name = basename(wanted).replace(/\.ts$/, '');
  if (!/^[a-z][a-z0-9]*(-[a-z0-9]+)*$/.test(name))
    throw new UsageError(
      `"${name}" is no name for a ${kind}; it must be words in lower case with hyphens, such as ${example}`,
    );
  if (names().includes(name)) throw new UsageError(`a ${kind} called "${name}" is there already; choose another name`);
  const file = join(dirname(wanted), `${name}.ts`);
  if (existsSync(file)) throw new UsageError(`${file} is there already; it is left as it is`);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, textOf(name));
  process.stdout.write(`${file} is written. Next:\n`);
  for (const command of next) process.stdout.write(`  ordeal ${command} ./${file}\n`);
}
